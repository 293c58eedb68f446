#include <gtest/gtest.h>

#include <memory>

#include "mien/face/detector.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

// Gives what it was made with.
class Fixed final : public FaceDetector {
 public:
  Fixed(std::string name, float smallest, std::vector<Detection> faces, bool copied = true)
      : name_(std::move(name)), smallest_(smallest), faces_(std::move(faces)), copied_(copied) {}
  Result<std::vector<Detection>> detect(image::ImageView, const DetectOptions& options) override {
    if (!(options.scale > 0)) return invalid_argument("detect: scale must be positive");
    return faces_;
  }
  float smallest_face() const override { return smallest_; }
  std::unique_ptr<FaceDetector> clone() const override {
    if (!copied_) return nullptr;
    return std::make_unique<Fixed>(name_, smallest_, faces_);
  }
  std::string_view name() const override { return name_; }

 private:
  std::string name_;
  float smallest_;
  std::vector<Detection> faces_;
  bool copied_;
};

Detection at(float x, float side, float score) {
  return {.box = {x, 0, side, side}, .score = score};
}

TEST(JoinedDetector, AddsWhatTheFirstDoesNotHave) {
  // The second's box at 2 is the first's face again, its box at 100 is not, and both of its own
  // overlapping boxes stay: leaving one out is its own affair.
  const auto joined = make_joined_detector(
      std::make_unique<Fixed>("a", 80.0F, std::vector{at(0, 40, 0.5F), at(200, 40, 0.1F)}),
      std::make_unique<Fixed>("b", 20.0F,
                              std::vector{at(2, 40, 3), at(100, 20, 0.3F), at(104, 20, 0.2F)}));
  const image::Image picture(8, 8);
  const auto found = joined->detect(picture.view(), {});
  MIEN_ASSERT_OK(found);
  ASSERT_EQ(found->size(), 4U);
  const std::vector<float> left = {0, 100, 104, 200};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ((*found)[i].box.x, left[i]) << i;
  EXPECT_FLOAT_EQ((*found)[0].score, 0.5F);
  EXPECT_EQ(joined->smallest_face(), 80);
  EXPECT_EQ(joined->name(), "a + b");
  EXPECT_EQ(joined->identity(), "a + b");
  EXPECT_EQ(joined->clone()->detect(picture.view(), {})->size(), 4U);
  EXPECT_FALSE(joined->detect(picture.view(), {.scale = 0}).ok());
}

TEST(JoinedDetector, IsNotCopiedWithADetectorThatCannotBe) {
  const auto joined =
      make_joined_detector(std::make_unique<Fixed>("a", 80.0F, std::vector<Detection>{}),
                           std::make_unique<Fixed>("b", 20.0F, std::vector<Detection>{}, false));
  EXPECT_EQ(joined->clone(), nullptr);
}

}  // namespace
}  // namespace mien::face
