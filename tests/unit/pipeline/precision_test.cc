// The accuracy rule of the smaller types on real faces and the bundle that ships: cosine to fp32 of
// 0.9995 at least in bf16 (int8, which a tower of convolutions runs in bf16, too), and the same
// best label for 99 % of the faces.
#include <gtest/gtest.h>

#include "engine/stored_precision.h"
#include "mien/core/rng.h"
#include "mien/engine/bundle.h"
#include "mien/face/aligner.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"
#include "support/test_support.h"
#include "unit/face/media.h"

namespace mien::pipeline {
namespace {

using engine::Bundle;
using engine::PrecisionChoice;

class ShippedPrecisionTest : public testing::Test {
 protected:
  static std::shared_ptr<const Bundle> load(PrecisionChoice precision) {
    const auto path = test::source_dir() / "models" / "compact";
    return Bundle::load(path, {.precision = precision}).value();
  }

  void add(image::ImageView picture, const face::Face& face) {
    const engine::BundleInfo& info = truth_->info();
    const auto crop = face::crop_face(picture, face, info.crop);
    MIEN_ASSERT_OK(crop);
    const auto side = static_cast<std::size_t>(info.architecture.image_size());
    pixels_.resize(pixels_.size() + 3 * side * side);
    MIEN_ASSERT_OK(
        image::preprocess(*crop, info.preprocess, std::span(pixels_).last(3 * side * side)));
  }

  void check_rule(std::int64_t pictures) {
    for (const auto choice : {PrecisionChoice::kBf16, PrecisionChoice::kInt8}) {
      const auto agreement = engine::compare_precision(*truth_, *load(choice), pixels_);
      MIEN_ASSERT_OK(agreement);
      EXPECT_EQ(agreement->pictures, pictures);
      EXPECT_GE(agreement->least_cosine, 0.9995);
      EXPECT_GE(agreement->same_first, 0.99);
    }
  }

  std::shared_ptr<const Bundle> truth_ = load(PrecisionChoice::kF32);
  std::vector<float> pixels_;
};

TEST_F(ShippedPrecisionTest, CutsOfOnePortrait) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  Rng rng(1);
  for (int i = 0; i < 200; ++i) {
    const auto side = static_cast<float>(90 + rng.uniform() * 80);
    face::Face face;
    face.box = {static_cast<float>(150 + rng.uniform() * 40),
                static_cast<float>(50 + rng.uniform() * 40), side, side};
    add(*picture, face);
  }
  check_rule(200);
}

TEST_F(ShippedPrecisionTest, FacesOfTheValidationSplit) {
  if (test::shared_data().empty()) GTEST_SKIP() << "no shared data (set MIEN_DATA)";
  const test::TempDir folder;
  const std::string command = "tar -xf '" + (test::shared_data() / "fer2013.tar").string() +
                              "' -C '" + folder.path().string() +
                              "' --wildcards 'fer2013/val/*/*5.png'";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::int64_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (!entry.is_regular_file()) continue;
    const auto picture = image::load(entry.path());
    MIEN_ASSERT_OK(picture);
    face::Face face;
    face.box = {0, 0, static_cast<float>(picture->width()), static_cast<float>(picture->height())};
    face.source = face::FaceSource::kWhole;
    add(*picture, face);
    ++count;
  }
  EXPECT_GE(count, 300);
  check_rule(count);
}

}  // namespace
}  // namespace mien::pipeline
