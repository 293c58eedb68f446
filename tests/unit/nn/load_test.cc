#include "nn/load.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "checkpoint/safetensors.h"
#include "nn/temporal.h"
#include "support/test_support.h"

namespace mien::nn {
namespace {

using testing::HasSubstr;

const TemporalOptions kTiny = {
    .width = 8, .layers = 1, .heads = 1, .head_width = 8, .mlp = 8, .positions = 3};

class LoadTest : public testing::Test {
 protected:
  std::shared_ptr<const checkpoint::Checkpoint> saved(const NamedTorchTensors& tensors,
                                                      const std::string& prefix) {
    checkpoint::NamedTensors views;
    for (const auto& [name, tensor] : tensors) views.emplace_back(prefix + name, as_view(tensor));
    EXPECT_TRUE(checkpoint::write_safetensors(dir_ / "w.safetensors", views).ok());
    auto out = checkpoint::open_safetensors(dir_ / "w.safetensors");
    EXPECT_TRUE(out.ok());
    return *out;
  }
  test::TempDir dir_;
};

TEST_F(LoadTest, ComesBackBitByBit) {
  torch::manual_seed(1);
  const TemporalTransformer from(kTiny), to(kTiny);
  const auto file = saved(named_parameters(*from), "temporal.");
  ASSERT_TRUE(load_by_name(named_parameters(*to), *file, {.prefix = "temporal."}).ok());
  const auto a = named_parameters(*from), b = named_parameters(*to);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(at::equal(a[i].second, b[i].second));
}

TEST_F(LoadTest, MissingWrongAndUnknownTensorsAreNamedAndNothingChanges) {
  torch::manual_seed(2);
  const TemporalTransformer model(kTiny);
  const torch::Tensor before = model->parameters()[0].clone();
  auto tensors = named_parameters(*TemporalTransformer(kTiny));
  tensors.emplace_back("more", torch::ones({2}));
  EXPECT_THAT(test::problem_of(load_by_name(named_parameters(*model), *saved(tensors, ""))),
              HasSubstr("'more': is not part of this model"));
  EXPECT_TRUE(load_by_name(named_parameters(*model), *saved(tensors, ""), {.strict = false}).ok());
  const torch::Tensor loaded = model->parameters()[0].clone();
  tensors.pop_back();
  tensors.back().second = torch::ones({3});
  EXPECT_THAT(test::problem_of(load_by_name(named_parameters(*model), *saved(tensors, ""))),
              HasSubstr("has shape [3] (expected [8])"));
  tensors.pop_back();
  EXPECT_THAT(test::problem_of(load_by_name(named_parameters(*model), *saved(tensors, ""))),
              HasSubstr("is missing (expected shape [8])"));
  EXPECT_TRUE(at::equal(model->parameters()[0], loaded));
  EXPECT_FALSE(at::equal(before, loaded));
}

TEST_F(LoadTest, HalfPrecisionIsWidened) {
  const std::vector<std::uint16_t> half = {0x3C00, 0xC000};  // 1, -2
  const TensorView view(DType::kF16, {2}, std::as_bytes(std::span(half)));
  EXPECT_TRUE(at::equal(to_torch(view).value(), torch::tensor({1.0F, -2.0F})));
}

}  // namespace
}  // namespace mien::nn
