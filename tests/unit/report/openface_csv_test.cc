#include "mien/report/openface_csv.h"

#include <gtest/gtest.h>

#include <limits>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;

TEST(OpenFaceCsv, ColumnsInItsHabit) {
  const OpenFaceCsv csv({"happy", "sad", "happy"});
  EXPECT_EQ(csv.header(),
            "frame,face_id,timestamp,confidence,success,face_x,face_y,face_w,face_h,happy_p,sad_p,"
            "happy_c,sad_c,unknown,input\n");
  EXPECT_EQ(csv.rows(frame_of(0.4, {face_at({1, 2, 30, 40}, {{"sad", 0.7F}, {"happy", 0.3F}}, 5)})),
            "11,5,0.400,1.00,1,1.0,2.0,30.0,40.0,0.3000,0.7000,0,1,0,clip.mp4\n");
}

TEST(OpenFaceCsv, PresenceIsThatOfTheStretchOfTime) {
  auto face = face_at({1, 2, 30, 40}, {{"sad", 0.7F}, {"happy", 0.3F}}, 5);
  face.steady = engine::SteadyAnswer{.labels = {{.label = "happy"}}};
  EXPECT_EQ(OpenFaceCsv({"happy", "sad"}).rows(frame_of(0.4, {face})),
            "11,5,0.400,1.00,1,1.0,2.0,30.0,40.0,0.3000,0.7000,1,0,0,clip.mp4\n");
}

TEST(OpenFaceCsv, NoFaceIsARowOfZeros) {
  EXPECT_EQ(OpenFaceCsv({"a", "b"}).rows(frame_of(1, {})),
            "26,0,1.000,0,0,0,0,0,0,0,0,0,0,0,clip.mp4\n");
}

TEST(OpenFaceCsv, UnknownLeadsNothingAndScoresStayNumbers) {
  engine::FaceResult face = face_at({0, 0, 9, 9}, {{"a", 0.6F}}, -1);
  face.unknown = true;
  face.face.score = 0.25F;
  face.labels[0].probability = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(OpenFaceCsv({"a", "b"}).rows(test::picture_of({face})),
            "1,0,0.000,0.25,1,0.0,0.0,9.0,9.0,0.0000,0,0,0,1,photos/party.jpg\n");
  face.face.source = face::FaceSource::kWhole;
  EXPECT_EQ(OpenFaceCsv({}).rows(test::picture_of({face})),
            "1,0,0.000,1.00,1,0.0,0.0,9.0,9.0,1,photos/party.jpg\n");
}

}  // namespace
}  // namespace mien::report
