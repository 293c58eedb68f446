// Both towers of a bundle in trainable form, whatever their kinds.
#include "methods/kit/towers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "engine/tiny_bundle.h"
#include "methods/kit/named_tensors.h"
#include "methods/kit/tower_table.h"
#include "mien/engine/label_scorer.h"
#include "nn/load.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

engine::SwinSizes small_swin() {
  return {.image_size = 32,
          .patch = 4,
          .width = 16,
          .depths = {2, 1},
          .heads = {1, 2},
          .window = 4,
          .mlp_ratio = 2};
}

engine::ResidualSizes small_residual() {
  return {.image_size = 32, .channels = 3, .stem_width = 16, .widths = {16, 32}, .blocks = {1, 1}};
}

class TowersOfAnyKind : public testing::TestWithParam<engine::ImageTower> {
 protected:
  // The tiny bundle, which has CLIP's text tower, with a random image tower of another kind.
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    const auto tiny = engine::Bundle::load(dir_ / "tiny");
    MIEN_ASSERT_OK(tiny);
    engine::BundleContent content;
    content.info = (*tiny)->info();
    content.info.files.clear();
    content.info.architecture.image = GetParam();
    content.tokenizer = *(*tiny)->tokenizer_text();
    content.card = "# Test\n";
    torch::manual_seed(1);
    const auto tower = make_image_tower(GetParam(), content.info.architecture.embed);
    const NamedTorchTensors own = prefixed("visual.", tower->published());
    for (const auto& [name, view] : (*tiny)->weights().tensors()) {
      if (!name.starts_with("visual.")) content.tensors.emplace_back(name, view);
    }
    for (const auto& [name, tensor] : own) {
      content.tensors.emplace_back(name, nn::as_view(tensor));
    }
    MIEN_ASSERT_OK(engine::write_bundle(dir_ / "mixed", std::move(content)));
  }

  test::TempDir dir_;
};

TEST_P(TowersOfAnyKind, AreThoseOfTheEngine) {
  auto loaded = Towers::load(dir_ / "mixed");
  MIEN_ASSERT_OK(loaded);
  Towers& towers = *loaded;
  const at::NoGradGuard no_grad;
  const torch::Tensor pixels = torch::randn({3, 3, 32, 32});
  const torch::Tensor ours = towers.images(pixels, false), theirs = towers.images(pixels, true);
  EXPECT_GT(at::cosine_similarity(ours, theirs).min().item<double>(), 0.9999);
  const auto text = towers.unit_text("a happy face");
  MIEN_ASSERT_OK(text);
  engine::Session session;
  const std::vector<std::string> texts = {"a happy face"};
  const auto engines = engine::encode_texts(towers.bundle(), texts, session);
  MIEN_ASSERT_OK(engines);
  double cosine = 0;
  for (std::int64_t i = 0; i < text->size(0); ++i) {
    cosine += (*text)[i].item<double>() *
              static_cast<double>(engines->f32()[static_cast<std::size_t>(i)]);
  }
  EXPECT_GT(cosine, 0.9999);
}

TEST_P(TowersOfAnyKind, ImageTensorsAreThoseOfTheBundle) {
  const auto towers = Towers::load(dir_ / "mixed");
  MIEN_ASSERT_OK(towers);
  std::size_t found = 0;
  for (const auto& [name, view] : towers->bundle().weights().tensors()) {
    found += name.starts_with("visual.") ? 1 : 0;
  }
  EXPECT_EQ(towers->image_tensors().size(), found);
  EXPECT_EQ(towers->has_first_map(), std::holds_alternative<engine::ResidualSizes>(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Kinds, TowersOfAnyKind,
                         testing::Values(engine::ImageTower(small_swin()),
                                         engine::ImageTower(small_residual())));

}  // namespace
}  // namespace mien::methods
