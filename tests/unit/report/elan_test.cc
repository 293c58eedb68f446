#include "mien/report/elan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using testing::HasSubstr;
using testing::Not;

LabelSegments one_face(const std::string& label) {
  LabelSegments out({label, "sad"}, 0);
  out.add(frame_of(0.04, {face_at({0, 0, 9, 9}, {{label, 0.9F}}, 2)}));
  out.add(frame_of(0.08, {face_at({0, 0, 9, 9}, {{"sad", 0.9F}}, 2)}));
  out.finish();
  return out;
}

// The rules of the schema are checked on whole documents by tests/e2e/check_eaf.py.
TEST(Elan, OneTierPerFaceAndTwoSlotsPerAnnotation) {
  const std::string text = elan_document(one_face("happy"), {.media_url = "file:///a%20b.mp4",
                                                             .relative_media = "./a%20b.mp4",
                                                             .mime_type = "video/mp4"});
  EXPECT_THAT(text, HasSubstr("MEDIA_URL=\"file:///a%20b.mp4\" MIME_TYPE=\"video/mp4\" "
                              "RELATIVE_MEDIA_URL=\"./a%20b.mp4\""));
  EXPECT_THAT(text, HasSubstr("<TIME_SLOT TIME_SLOT_ID=\"ts1\" TIME_VALUE=\"40\"/>"));
  EXPECT_THAT(text, HasSubstr("<TIME_SLOT TIME_SLOT_ID=\"ts4\" TIME_VALUE=\"120\"/>"));
  EXPECT_THAT(text, HasSubstr("TIER_ID=\"face 2\""));
  EXPECT_THAT(text,
              HasSubstr("ANNOTATION_ID=\"a2\" TIME_SLOT_REF1=\"ts3\" TIME_SLOT_REF2=\"ts4\""));
  EXPECT_THAT(text, HasSubstr("<ANNOTATION_VALUE>sad</ANNOTATION_VALUE>"));
  EXPECT_THAT(text, HasSubstr("lastUsedAnnotationId\">2<"));
}

TEST(Elan, TheWallTimeIsAPropertyOfTheHeader) {
  const std::string text =
      elan_document(one_face("happy"), {.clock = "2026-03-01T14:05:00.000000+01:00"});
  EXPECT_THAT(text, HasSubstr("<PROPERTY NAME=\"clock\">2026-03-01T14:05:00.000000+01:00<"));
  EXPECT_THAT(text, HasSubstr("TIME_VALUE=\"40\"")) << "slots stay those of the media";
  EXPECT_THAT(elan_document(one_face("happy")), Not(HasSubstr("NAME=\"clock\"")));
}

TEST(Elan, EscapesWhatComesFromOutside) {
  for (const std::string& hostile : test::hostile_texts()) {
    const std::string text = elan_document(one_face("<&\">" + hostile), {.annotator = hostile});
    EXPECT_THAT(text, Not(HasSubstr("<&\">")));
    EXPECT_THAT(text, HasSubstr("&lt;&amp;&quot;&gt;"));
    EXPECT_EQ(text.find('\0'), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
  }
}

TEST(Elan, ATierForTheChangeAgainstABaseline) {
  const LabelSegments segments = test::segments_with_a_baseline();
  const std::string text = elan_document(segments);
  EXPECT_THAT(text, HasSubstr("LINGUISTIC_TYPE_REF=\"change\" PARTICIPANT=\"face 4\" "
                              "TIER_ID=\"face 4 change\""));
  EXPECT_THAT(text, HasSubstr("<ANNOTATION_VALUE>+50</ANNOTATION_VALUE>"));
  EXPECT_THAT(elan_document(one_face("happy")), Not(HasSubstr("change")));
}

TEST(Elan, WithoutFacesAndMedia) {
  LabelSegments segments({"unknown"});
  segments.finish();
  const std::string text = elan_document(segments);
  EXPECT_THAT(text, Not(HasSubstr("MEDIA_DESCRIPTOR")));
  EXPECT_THAT(text, Not(HasSubstr("<TIER")));
  EXPECT_THAT(text, HasSubstr("<TIME_ORDER>\n  </TIME_ORDER>"));
}

TEST(Elan, UrlsAndTypes) {
  EXPECT_EQ(file_url("/a b/ä#?.mp4"), "file:///a%20b/%C3%A4%23%3F.mp4");
  EXPECT_EQ(relative_url("c d.mp4"), "./c%20d.mp4");
  EXPECT_EQ(relative_url("../c.mp4"), "../c.mp4");
  EXPECT_EQ(media_type_of("A.MOV"), "video/quicktime");
  EXPECT_EQ(media_type_of("a.xyz"), "unknown");
}

}  // namespace
}  // namespace mien::report
