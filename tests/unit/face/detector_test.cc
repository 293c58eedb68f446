#include "mien/face/detector.h"

#include <gtest/gtest.h>

#include <limits>

#include "dlib_reference.h"
#include "face/grey.h"
#include "face/hog_select.h"
#include "media.h"
#include "mien/core/rng.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

image::Image noise(int width, int height) {
  image::Image out(width, height);
  Rng rng(11);
  for (std::uint8_t& v : out.pixels()) v = static_cast<std::uint8_t>(rng.below(256));
  return out;
}

TEST(HogDetector, FindsTheFaceOfThePortrait) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  auto detector = make_hog_detector();
  MIEN_ASSERT_OK(detector);
  for (const float scale : {1.0F, 2.0F, 1.4F}) {
    const auto found = (*detector)->detect(*picture, {.scale = scale});
    MIEN_ASSERT_OK(found);
    ASSERT_FALSE(found->empty()) << scale;  // most certain first
    EXPECT_GT(image::iou((*found)[0].box, {175, 70, 100, 100}), 0.6F) << scale;
    EXPECT_GT((*found)[0].score, 0.5F);
  }
  const auto strict = (*detector)->detect(*picture, {.min_score = 100});
  MIEN_ASSERT_OK(strict);
  EXPECT_TRUE(strict->empty());
}

TEST(HogDetector, InstructionSetsAgree) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  auto generic = make_hog_detector(HogIsa::kGeneric);
  MIEN_ASSERT_OK(generic);
  EXPECT_EQ((*generic)->name(), "dlib-hog (generic)");
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  const auto a = (*generic)->detect(*picture, {.min_score = -0.5F});
  MIEN_ASSERT_OK(a);
  for (const HogIsa isa : {HogIsa::kAvx2, HogIsa::kAvx512}) {
    auto fast = make_hog_detector(isa);
    if (fast.status().code() == StatusCode::kUnsupported) continue;
    MIEN_ASSERT_OK(fast);
    EXPECT_EQ((*fast)->name(), isa == HogIsa::kAvx2 ? "dlib-hog (avx2)" : "dlib-hog (avx512)");
    const auto b = (*fast)->detect(*picture, {.min_score = -0.5F});
    MIEN_ASSERT_OK(b);
    ASSERT_EQ(a->size(), b->size());
    for (std::size_t i = 0; i < a->size(); ++i) {
      EXPECT_EQ((*a)[i].box, (*b)[i].box);
      EXPECT_NEAR((*a)[i].score, (*b)[i].score, 1e-3F);
    }
  }
}

/// Compares the kernel of an instruction set with dlib itself.
void expect_what_dlib_finds(HogIsa isa, const Grey& grey, double threshold,
                            const std::string& what) {
  const auto choice = select_hog_kernel(isa);
  if (!choice) return;
  const std::unique_ptr<void, void (*)(void*)> detector(choice->kernel->create(kHogFilters),
                                                        choice->kernel->destroy);
  ASSERT_NE(detector, nullptr);
  std::vector<HogHit> hits;
  ASSERT_TRUE(choice->kernel->detect(
      detector.get(), grey.pixels.data(), grey.width, grey.height, threshold,
      [](void* user, const HogHit* hit) {
        static_cast<std::vector<HogHit>*>(user)->push_back(*hit);
      },
      &hits));
  const auto truth = test::dlib_faces(grey.pixels, grey.width, grey.height, threshold);
  ASSERT_EQ(hits.size(), truth.size()) << what;
  for (std::size_t i = 0; i < hits.size(); ++i) {
    EXPECT_NEAR(hits[i].score, truth[i].score, 2e-3) << what << ", hit " << i;
    const std::array<long, 4> box{hits[i].left, hits[i].top, hits[i].right, hits[i].bottom};
    EXPECT_EQ(box, truth[i].box) << what << ", hit " << i;
  }
}

TEST(HogDetector, FindsWhatDlibFinds) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  const Grey grey = to_grey(*picture);
  // Sizes around whole cells and around the last level of the pyramid; a low threshold for many
  // hits.
  for (const auto& [width, height] : std::vector<std::pair<int, int>>{
           {512, 512}, {301, 307}, {160, 160}, {129, 133}, {700, 90}, {90, 400}, {24, 24}}) {
    const Grey resized = resize_grey(grey, width, height);
    for (const HogIsa isa : {HogIsa::kGeneric, HogIsa::kAvx2, HogIsa::kAvx512}) {
      expect_what_dlib_finds(isa, resized, -0.6,
                             std::to_string(width) + "x" + std::to_string(height) + ", isa " +
                                 std::to_string(static_cast<int>(isa)));
    }
  }
}

TEST(HogDetector, IgnoresColour) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  image::Image grey = *picture;
  for (std::size_t i = 0; i < grey.pixels().size(); i += 3) {
    std::uint8_t* p = grey.pixels().data() + i;
    const auto v =
        static_cast<std::uint8_t>((19595U * p[0] + 38470U * p[1] + 7471U * p[2] + 32768U) >> 16U);
    p[0] = p[1] = p[2] = v;
  }
  auto detector = make_hog_detector();
  MIEN_ASSERT_OK(detector);
  const auto a = (*detector)->detect(*picture, {});
  const auto b = (*detector)->detect(grey, {});
  ASSERT_EQ(a->size(), 1U);
  ASSERT_EQ(b->size(), 1U);
  EXPECT_EQ((*a)[0].score, (*b)[0].score);
}

TEST(HogDetector, NoFaceInNoiseFlatAndTinyPictures) {
  auto detector = make_hog_detector();
  MIEN_ASSERT_OK(detector);
  for (const auto& [w, h] : std::vector<std::pair<int, int>>{
           {0, 0}, {1, 1}, {1, 300}, {23, 500}, {24, 24}, {25, 80}, {81, 79}, {333, 97}}) {
    for (const image::Image& picture : {noise(w, h), image::Image(w, h)}) {
      const auto found = (*detector)->detect(picture, {});
      MIEN_ASSERT_OK(found);
      EXPECT_TRUE(found->empty()) << w << 'x' << h;
    }
  }
}

TEST(HogDetector, BadScalesAndGiantResultsAreErrors) {
  auto detector = make_hog_detector();
  MIEN_ASSERT_OK(detector);
  const image::Image picture(100, 100);
  for (const float scale : {0.0F, -1.0F, std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity()}) {
    MIEN_EXPECT_CODE((*detector)->detect(picture, {.scale = scale}), StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE((*detector)->detect(picture, {.scale = 1000}), StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::face
