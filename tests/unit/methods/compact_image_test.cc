#include "mien/methods/compact_image.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>

#include "methods/votes.h"
#include "mien/data/geometry.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/nn/load.h"
#include "support/test_support.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

// A bright half, left, right or above, in noise.
image::Image pattern(int kind, Rng& rng) {
  image::Image out(24, 24);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      const bool bright = kind == 0 ? x < 12 : kind == 1 ? x >= 12 : y < 12;
      const auto value = static_cast<std::uint8_t>((bright ? 160 : 40) + rng.below(50));
      for (int c = 0; c < 3; ++c) out.row(y)[3 * x + c] = value;
    }
  }
  return out;
}

// With `shapes`, the measures of a face tell left from right, which no label asks for.
void write_pictures(const std::filesystem::path& folder, bool shapes = false) {
  std::ofstream csv(folder / "set.csv");
  csv << "path,label,subject,sequence,split";
  if (shapes) {
    for (const std::string_view name : data::kGeometryColumns) csv << ',' << name;
  }
  csv << '\n';
  Rng rng(2);
  const char* names[] = {"angry", "happy", "sad"};
  for (int i = 0; i < 48; ++i) {
    const std::string file = fmt::format("p{}.png", i);
    const auto png = image::encode_png(pattern(i % 3, rng));
    MIEN_ASSERT_OK(png);
    std::ofstream(folder / file, std::ios::binary)
        .write(reinterpret_cast<const char*>(png->data()),
               static_cast<std::streamsize>(png->size()));
    csv << file << "," << (shapes ? names[0] : names[i % 3]) << ",,," << (i < 36 ? "train" : "val");
    for (std::size_t m = 0; shapes && m < data::kGeometryMeasures; ++m) {
      csv << (i % 5 == 4 ? "," : i % 3 == 0 ? ",0.3" : ",0.05");  // some faces are not measured
    }
    csv << "\n";
  }
}

CompactImageRecipe small_recipe() {
  CompactImageRecipe out;
  out.data.train = "set.csv";
  out.tower = {
      .image_size = 24, .embed = 16, .stem_width = 16, .widths = {16, 32}, .blocks = {1, 1}};
  out.training.batch = 12;
  out.training.mixup = 0;
  out.training.smoothing = 0;
  return out;
}

TEST(CompactImage, LearnsPatternsAndGivesThemToTheEngine) {
  const test::TempDir dir;
  write_pictures(dir.path());
  MethodContext context;
  context.data = dir.path();
  const auto method = small_recipe().make(context);
  ASSERT_TRUE(method.ok()) << method.status().message();
  const auto groups = (*method)->begin_stage(0);
  for (int epoch = 0; epoch < 12; ++epoch) {
    MIEN_ASSERT_OK((*method)->begin_epoch(0, epoch, 0));
    for (std::int64_t s = 0; s < (*method)->steps_per_epoch(0); ++s) {
      const auto output = (*method)->step();
      MIEN_ASSERT_OK(output);
      output->loss.backward();
      const at::NoGradGuard no_grad;
      for (const auto& group : groups) {
        for (const auto& [name, tensor] : group.parameters) {
          if (!tensor.grad().defined()) continue;
          torch::Tensor(tensor).add_(tensor.grad(), -0.05);
          tensor.grad().zero_();
        }
      }
    }
  }
  const at::NoGradGuard no_grad;
  const auto values = (*method)->validate(0, 0);
  MIEN_ASSERT_OK(values);
  EXPECT_EQ(values->front().first, "war");
  EXPECT_GE(values->front().second, 90);
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  engine::Session session;
  const auto scorer = engine::LabelScorer::make(
      **bundle, {.name = "own", .labels = (*bundle)->info().labels}, {}, session);
  ASSERT_TRUE(scorer.ok()) << scorer.status().message();
  const auto encoder = (*bundle)->image_encoder();
  MIEN_ASSERT_OK(encoder);
  Rng rng(9);
  const char* names[] = {"angry", "happy", "sad"};
  for (int kind = 0; kind < 3; ++kind) {
    std::vector<float> pixels(3 * 24 * 24), row(16);
    MIEN_ASSERT_OK(image::preprocess(pattern(kind, rng), (*bundle)->info().preprocess, pixels));
    MIEN_ASSERT_OK((*encoder)->encode(pixels.data(), 1, row.data(), session));
    float length = 0;
    for (const float value : row) length += value * value;
    for (float& value : row) value /= std::sqrt(length);
    EXPECT_EQ((*scorer)->score(row).labels.front().label, names[kind]);
  }
}

double shape_loss(const StepOutput& output) {
  for (const auto& [name, value] : output.values) {
    if (name == "geometry_loss") return value;
  }
  ADD_FAILURE() << "no geometry_loss";
  return 0;
}

TEST(CompactImage, KeepsTheShapeOfFacesThatNoLabelAsksFor) {
  const test::TempDir dir;
  write_pictures(dir.path(), true);
  MethodContext context;
  context.data = dir.path();
  CompactImageRecipe recipe = small_recipe();
  recipe.training.geometry_weight = 1;
  const auto method = recipe.make(context);
  MIEN_ASSERT_OK(method.status());
  const double first = shape_loss(run_plain_steps(**method, 0, 1, 0));
  EXPECT_LT(shape_loss(run_plain_steps(**method, 0, 12, 0.003)), 0.5 * first);
  const at::NoGradGuard no_grad;
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  MIEN_ASSERT_OK(bundle.status());
  EXPECT_EQ((*bundle)->weights().find("shape_head"), nullptr);
}

TEST(CompactImage, RefusesToTrainShapesThatNobodyMeasured) {
  const test::TempDir dir;
  write_pictures(dir.path());
  MethodContext context;
  context.data = dir.path();
  CompactImageRecipe recipe = small_recipe();
  recipe.training.geometry_weight = 1;
  const auto method = recipe.make(context);
  MIEN_EXPECT_CODE(method, StatusCode::kInvalidArgument);
  EXPECT_THAT(method.status().message(), testing::HasSubstr("data caption --landmarks"));
}

torch::Tensor weight_of(const std::filesystem::path& path, const std::string& name) {
  const auto bundle = engine::Bundle::load(path);
  EXPECT_TRUE(bundle.ok()) << bundle.status().message();
  return nn::to_torch(*(*bundle)->weights().find(name))->clone();
}

TEST(CompactImage, BlendsWithTheBundleItStartedFrom) {
  const test::TempDir dir;
  write_pictures(dir.path());
  MethodContext context;
  context.data = dir.path();
  CompactImageRecipe recipe = small_recipe();
  MIEN_ASSERT_OK((*recipe.make(context))->export_bundle(dir / "start", false));
  recipe.training.init = "start";
  for (const double blend : {1.0, 0.25}) {
    recipe.training.blend = blend;
    const auto method = recipe.make(context);
    MIEN_ASSERT_OK(method.status());
    for (const auto& group : (*method)->begin_stage(0)) {
      const at::NoGradGuard no_grad;
      for (const auto& item : group.parameters) torch::Tensor(item.second).add_(1);
    }
    MIEN_ASSERT_OK((*method)->export_bundle(dir / fmt::format("out{}", blend), false));
    const torch::Tensor moved = weight_of(dir / fmt::format("out{}", blend), "visual.proj") -
                                weight_of(dir / "start", "visual.proj");
    EXPECT_NEAR(moved.min().item<double>(), blend, 1e-5);
    EXPECT_NEAR(moved.max().item<double>(), blend, 1e-5);
  }
  recipe.training.init = "";
  EXPECT_EQ(recipe.make(context).status().code(), StatusCode::kInvalidArgument);
}

TEST(CompactImage, RefusesStagesWithoutBlocks) {
  CompactImageRecipe recipe = small_recipe();
  recipe.tower.blocks = {1};
  MIEN_EXPECT_CODE(recipe.make({}), StatusCode::kInvalidArgument);
}

TEST(Votes, AClassThatIsNoAnswerNeverWins) {
  const torch::Tensor scores = torch::tensor({{1.0, 9.0, 3.0}, {4.0, 9.0, 3.0}});
  EXPECT_TRUE(best_of(scores, torch::tensor({0, 2})).equal(torch::tensor({2, 0})));
  EXPECT_TRUE(best_of(scores, torch::arange(3)).equal(torch::tensor({1, 1})));
}

}  // namespace
}  // namespace mien::methods
