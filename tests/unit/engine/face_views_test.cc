#include "engine/face_views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mien/engine/bundle.h"
#include "support/bundles.h"
#include "support/test_support.h"

namespace mien::engine {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kSide = 32, kEach = 3 * kSide * kSide;

// Three planes that grow to the right, downwards and both ways: bilinear views are exact on them.
std::vector<float> slopes() {
  std::vector<float> out;
  for (const auto& [across, down] : {std::pair{1.0F, 0.0F}, {0.0F, 1.0F}, {2.0F, -1.0F}}) {
    for (std::int64_t y = 0; y < kSide; ++y) {
      for (std::int64_t x = 0; x < kSide; ++x) {
        out.push_back(across * static_cast<float>(x) + down * static_cast<float>(y));
      }
    }
  }
  return out;
}

float at(const std::vector<float>& views, std::int64_t view, std::int64_t plane, std::int64_t y,
         std::int64_t x) {
  return views[static_cast<std::size_t>(view * kEach + (plane * kSide + y) * kSide + x)];
}

// Where a pixel of the nearer view lies in the picture.
double source(std::int64_t i) { return 16 + (static_cast<double>(i) + 0.5 - 16) * 11 / 12 - 0.5; }

TEST(FaceViews, FourAreThePictureTheNearerOneAndTheirMirrorImages) {
  const std::vector<float> picture = slopes();
  std::vector<float> views(4 * kEach);
  make_views(picture.data(), 1, kSide, 4, views.data());
  EXPECT_TRUE(std::equal(picture.begin(), picture.end(), views.begin()));
  for (std::int64_t y = 0; y < kSide; ++y) {
    for (std::int64_t x = 0; x < kSide; ++x) {
      for (std::int64_t plane = 0; plane < 3; ++plane) {
        EXPECT_EQ(at(views, 1, plane, y, x), at(views, 0, plane, y, kSide - 1 - x));
        EXPECT_EQ(at(views, 3, plane, y, x), at(views, 2, plane, y, kSide - 1 - x));
      }
      EXPECT_NEAR(at(views, 2, 0, y, x), source(x), 1e-4);
      EXPECT_NEAR(at(views, 2, 1, y, x), source(y), 1e-4);
      EXPECT_NEAR(at(views, 2, 2, y, x), 2 * source(x) - source(y), 1e-4);
    }
  }
}

TEST(FaceViews, TwoAreThePictureAndTheMirroredNearerOne) {
  const std::vector<float> picture = slopes();
  std::vector<float> four(4 * kEach), two(2 * kEach);
  make_views(picture.data(), 1, kSide, 4, four.data());
  make_views(picture.data(), 1, kSide, 2, two.data());
  EXPECT_TRUE(std::equal(two.begin(), two.begin() + kEach, four.begin()));
  EXPECT_TRUE(std::equal(two.begin() + kEach, two.end(), four.begin() + 3 * kEach));
}

class ViewsOfABundle : public testing::Test {
 protected:
  void SetUp() override { MIEN_ASSERT_OK(test::tiny_bundle(dir_ / "tiny").status()); }

  std::vector<float> encode(const std::vector<float>& pixels, std::int64_t count, int views) {
    const auto bundle = Bundle::load(dir_ / "tiny", {.views = views});
    EXPECT_EQ(test::problem_of(bundle.status()), "");
    const auto encoder = (*bundle)->image_encoder();
    EXPECT_EQ(test::problem_of(encoder.status()), "");
    std::vector<float> out(static_cast<std::size_t>(count * (*encoder)->embed()));
    Session session;
    EXPECT_EQ(test::problem_of((*encoder)->encode(pixels.data(), count, out.data(), session)), "");
    return out;
  }

  test::TempDir dir_;
};

TEST_F(ViewsOfABundle, AnEmbeddingIsTheMeanOfThoseOfTheViews) {
  // More pictures than one pass holds.
  constexpr std::int64_t kCount = 130;
  std::vector<float> pixels(kCount * kEach);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = std::sin(0.3F * static_cast<float>(i % 1111) + static_cast<float>(i / kEach));
  }
  for (const int views : {2, 4}) {
    std::vector<float> seen(pixels.size() * static_cast<std::size_t>(views));
    make_views(pixels.data(), kCount, kSide, views, seen.data());
    const std::vector<float> each = encode(seen, kCount * views, 1);
    const std::vector<float> found = encode(pixels, kCount, views);
    const std::size_t embed = found.size() / kCount;
    for (std::size_t n = 0; n < kCount; ++n) {
      for (std::size_t i = 0; i < embed; ++i) {
        float sum = 0;
        for (std::size_t v = 0; v < static_cast<std::size_t>(views); ++v) {
          sum += each[(n * static_cast<std::size_t>(views) + v) * embed + i];
        }
        ASSERT_NEAR(found[n * embed + i], sum / static_cast<float>(views), 1e-5)
            << views << " " << n;
      }
    }
  }
}

TEST_F(ViewsOfABundle, AMirroredPictureHasTheSameEmbeddingWithFourViews) {
  std::vector<float> views(4 * kEach);
  const std::vector<float> picture = slopes();
  make_views(picture.data(), 1, kSide, 4, views.data());
  const std::vector<float> mirrored(views.begin() + kEach, views.begin() + 2 * kEach);
  const std::vector<float> one = encode(picture, 1, 4), other = encode(mirrored, 1, 4);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_NEAR(one[i], other[i], 1e-5);
}

TEST_F(ViewsOfABundle, AnotherNumberOfViewsIsRefused) {
  const auto bundle = Bundle::load(dir_ / "tiny", {.views = 3});
  MIEN_ASSERT_OK(bundle.status());
  const auto encoder = (*bundle)->image_encoder();
  MIEN_EXPECT_CODE(encoder, StatusCode::kInvalidArgument);
  EXPECT_THAT(encoder.status().message(), HasSubstr("3 (expected 1, 2 or 4)"));
}

}  // namespace
}  // namespace mien::engine
