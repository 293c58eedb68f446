#include "data/geometry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

enum Measure {
  kMouthOpen,
  kMouthWidth,
  kCornersUp,
  kBrowsUp,
  kBrowsApart,
  kBrowsInnerUp,
  kEyesOpen
};

// A drawn face: eyes at (-50, 0) and (50, 0), brows 30 above, a closed mouth 80 wide at 100.
std::vector<image::Point> drawn_face() {
  std::vector<image::Point> out(68, image::Point{0, 0});
  for (int i = 0; i < 5; ++i) {
    out[17 + i] = {-70.0F + 10.0F * static_cast<float>(i), -30};
    out[22 + i] = {30.0F + 10.0F * static_cast<float>(i), -30};
  }
  for (int side = 0; side < 2; ++side) {
    const float x = side == 0 ? -50 : 50;
    const int first = side == 0 ? 36 : 42;
    const float dx[] = {-15, -5, 5, 15, 5, -5}, dy[] = {0, -6, -6, 0, 6, 6};
    for (int i = 0; i < 6; ++i) out[first + i] = {x + dx[i], dy[i]};
  }
  out[48] = {-40, 100};
  out[54] = {40, 100};
  out[51] = {0, 95};
  out[57] = {0, 105};
  for (int i = 61; i <= 67; ++i) out[i] = {0, 100};
  return out;
}

FaceGeometry measured(const std::vector<image::Point>& points) {
  const auto out = measure_face(points);
  EXPECT_TRUE(out.has_value());
  return out.value_or(FaceGeometry{});
}

TEST(FaceGeometry, MeasuresInDistancesOfTheEyes) {
  const FaceGeometry face = measured(drawn_face());
  EXPECT_NEAR(face.values[kMouthOpen], 0, 1e-6);
  EXPECT_NEAR(face.values[kMouthWidth], 0.8, 1e-6);
  EXPECT_NEAR(face.values[kCornersUp], 0, 1e-6);
  EXPECT_NEAR(face.values[kBrowsUp], 0.3, 1e-6);
  EXPECT_NEAR(face.values[kBrowsApart], 0.6, 1e-6);
  EXPECT_NEAR(face.values[kBrowsInnerUp], 0, 1e-6);
  EXPECT_NEAR(face.values[kEyesOpen], 0.12, 1e-6);
}

TEST(FaceGeometry, FollowsWhatMoves) {
  auto points = drawn_face();
  for (const int lower : {65, 66, 67}) points[lower].y = 120;
  points[57].y = 125;
  points[48].y = points[54].y = 90;
  points[21].y = points[22].y = -40;
  const FaceGeometry face = measured(points);
  EXPECT_NEAR(face.values[kMouthOpen], 0.2, 1e-6);
  EXPECT_NEAR(face.values[kCornersUp], 0.2, 1e-6);  // middle at 110, corners at 90
  EXPECT_NEAR(face.values[kBrowsInnerUp], 0.05, 1e-6);
}

TEST(FaceGeometry, IgnoresPositionSizeAndTilt) {
  const FaceGeometry upright = measured(drawn_face());
  auto points = drawn_face();
  const double turn = 0.5;
  for (image::Point& p : points) {
    const double x = p.x, y = p.y;
    p.x = static_cast<float>(200 + 3 * (x * std::cos(turn) - y * std::sin(turn)));
    p.y = static_cast<float>(90 + 3 * (x * std::sin(turn) + y * std::cos(turn)));
  }
  const FaceGeometry turned = measured(points);
  for (std::size_t m = 0; m < kGeometryMeasures; ++m) {
    EXPECT_NEAR(turned.values[m], upright.values[m], 1e-5) << kGeometryColumns[m];
  }
}

TEST(FaceGeometry, NoneWhenTheEyesCoincide) {
  EXPECT_FALSE(measure_face(std::vector<image::Point>(68, image::Point{3, 4})).has_value());
}

// Usual but for one measure, in deviations.
FaceGeometry standing_out(Measure measure, double deviation) {
  FaceGeometry zero, one;
  one.values.fill(1);
  const auto low = zero.deviations();
  FaceGeometry out;
  for (std::size_t m = 0; m < kGeometryMeasures; ++m) {
    // The deviation is linear near the centre: find it by bisection, as readers of the columns
    // need not know the constants.
    const double wanted = m == measure ? deviation : 0;
    double a = -2, b = 2;
    for (int i = 0; i < 60; ++i) {
      const double mid = (a + b) / 2;
      FaceGeometry probe;
      probe.values.fill(mid);
      (probe.deviations()[m] < wanted ? a : b) = mid;
    }
    out.values[m] = (a + b) / 2;
  }
  EXPECT_LE(low[measure], 3);
  return out;
}

TEST(GeometryCaption, DescribesWhatStandsOut) {
  std::set<std::string> open, shut;
  for (int i = 0; i < 500; ++i) {
    open.insert(caption_from_geometry(standing_out(kMouthOpen, 2.5), std::to_string(i), 1));
    shut.insert(caption_from_geometry(standing_out(kBrowsUp, -1.2), std::to_string(i), 1));
  }
  EXPECT_TRUE(open.contains("A face with the mouth wide open."));
  EXPECT_GT(open.size(), 8u);
  EXPECT_TRUE(shut.contains("The face has the brows lowered."));
  for (const std::string& text : shut) EXPECT_THAT(text, Not(HasSubstr("mouth")));
  EXPECT_THAT(caption_from_geometry(standing_out(kMouthOpen, 0.3), "a", 1), IsEmpty());
}

TEST(GeometryCaption, TheStrongestThreeAndAlwaysTheSame) {
  FaceGeometry face = standing_out(kMouthOpen, 2.9);
  face.values[kBrowsUp] = standing_out(kBrowsUp, 2.5).values[kBrowsUp];
  face.values[kEyesOpen] = standing_out(kEyesOpen, 2.2).values[kEyesOpen];
  face.values[kMouthWidth] = standing_out(kMouthWidth, 1.0).values[kMouthWidth];
  const std::string text = caption_from_geometry(face, "picture", 4);
  EXPECT_EQ(text, caption_from_geometry(face, "picture", 4));
  EXPECT_THAT(text, HasSubstr(" and "));
  EXPECT_THAT(text, HasSubstr(", "));
  for (int i = 0; i < 200; ++i) {
    const std::string other = caption_from_geometry(face, std::to_string(i), 1);
    EXPECT_THAT(other, Not(HasSubstr("sides"))) << other;  // of the width
    EXPECT_THAT(other, Not(HasSubstr("stretched"))) << other;
  }
}

TEST(GeometryColumns, AllOrNone) {
  Sample sample{.id = "a.png"};
  auto found = geometry_of(sample);
  MIEN_ASSERT_OK(found.status());
  EXPECT_FALSE(found->has_value());
  for (const std::string_view name : kGeometryColumns) sample.extra[std::string(name)] = "0.25";
  found = geometry_of(sample);
  MIEN_ASSERT_OK(found.status());
  ASSERT_TRUE(found->has_value());
  EXPECT_EQ((*found)->values[kEyesOpen], 0.25);
  sample.extra["geo_brows_up"] = "high";
  EXPECT_THAT(geometry_of(sample).status().message(), HasSubstr("geo_brows_up is 'high'"));
  sample.extra.erase("geo_brows_up");
  EXPECT_THAT(geometry_of(sample).status().message(), HasSubstr("6 of the 7 geo_"));
}

}  // namespace
}  // namespace mien::data
