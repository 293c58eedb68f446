#include "face/whole.h"

#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::face {
namespace {

/// Always finds a face at the same relative position.
class Share final : public FaceDetector {
 public:
  Share(float side, float score) : side_(side), score_(score) {}
  Result<std::vector<Detection>> detect(image::ImageView picture,
                                        const DetectOptions& options) override {
    if (score_ < options.min_score) return std::vector<Detection>{};
    const auto width = static_cast<float>(picture.width);
    const auto height = static_cast<float>(picture.height);
    const float side = side_ * std::max(width, height);
    return std::vector<Detection>{{{(width - side) / 2, (height - side) / 2, side, side}, score_}};
  }
  std::string_view name() const override { return "share"; }

 private:
  float side_;
  float score_;
};

bool accepted(int width, int height, float share, float score, float min_score = 0) {
  Share detector(share, score);
  const auto out = find_whole(image::Image(width, height), detector, min_score);
  EXPECT_EQ(test::problem_of(out), "");
  return out.ok() && out->has_value();
}

TEST(Whole, AcceptsACropThatAFaceFills) {
  EXPECT_TRUE(accepted(350, 350, 0.6F, -0.5F));
  EXPECT_TRUE(accepted(300, 400, 0.6F, -0.5F));
  EXPECT_TRUE(accepted(1, 1, 0.6F, 0));
}

TEST(Whole, RejectsSmallOrDoubtfulFacesAndScenes) {
  EXPECT_FALSE(accepted(350, 350, 0.3F, 1.0F));   // too small in the picture
  EXPECT_FALSE(accepted(350, 350, 0.6F, -0.8F));  // score too low
  EXPECT_FALSE(accepted(640, 360, 0.6F, 1.0F));   // a scene
  EXPECT_FALSE(accepted(350, 350, 0.6F, -0.5F, 0.5F));
  EXPECT_FALSE(accepted(0, 0, 0.6F, 1.0F));
}

TEST(Whole, SmallSquaresNeedLess) {
  EXPECT_TRUE(accepted(48, 48, 0.6F, -0.8F));
  EXPECT_FALSE(accepted(48, 60, 0.6F, -0.8F));
  EXPECT_FALSE(accepted(48, 48, 0.6F, -1.0F));
}

TEST(Whole, BoxIsInPixelsOfThePicture) {
  Share detector(0.5F, 0.5F);
  const auto out = find_whole(image::Image(400, 400), detector, 0);
  MIEN_ASSERT_OK(out);
  ASSERT_TRUE(out->has_value());
  EXPECT_NEAR((*out)->box.x + (*out)->box.w / 2, 200, 0.5);
  EXPECT_NEAR((*out)->box.w, 280, 0.5);  // half of the padded side: 1.4 x 400 / 2
}

}  // namespace
}  // namespace mien::face
