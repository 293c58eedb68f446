#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>
#include <set>

#include "engine/neutral.h"
#include "engine/tiny_bundle.h"
#include "methods/e2n/train.h"
#include "methods/kit/tower_table.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

constexpr int kSide = 24;
const char* const kNames[] = {"angry", "happy", "neutral"};

// Left half bright, right half bright, or evenly grey.
image::Image halves(int kind, Rng& rng) {
  image::Image out(kSide, kSide);
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      const bool left = x < kSide / 2;
      const int base = kind == 2 ? 90 : (kind == 0) == left ? 160 : 30;
      const auto value = static_cast<std::uint8_t>(base + static_cast<int>(rng.below(40)));
      for (int c = 0; c < 3; ++c) out.row(y)[3 * x + c] = value;
    }
  }
  return out;
}

void write_halves(const std::filesystem::path& folder) {
  std::ofstream csv(folder / "set.csv");
  csv << "path,label,subject,sequence,split\n";
  Rng rng(2);
  for (int i = 0; i < 60; ++i) {
    const std::string file = fmt::format("p{}.png", i);
    const auto png = image::encode_png(halves(i % 3, rng));
    MIEN_ASSERT_OK(png);
    std::ofstream(folder / file, std::ios::binary)
        .write(reinterpret_cast<const char*>(png->data()),
               static_cast<std::streamsize>(png->size()));
    csv << file << "," << kNames[i % 3] << ",,," << (i < 48 ? "train" : "val") << "\n";
  }
  MIEN_ASSERT_OK(engine::write_tiny_bundle(folder / "teacher", {}));
}

int teacher_embed(const std::filesystem::path& folder) {
  return (*engine::Bundle::load(folder / "teacher"))->info().architecture.embed;
}

E2nRecipe residual_recipe(int channels, int embed) {
  E2nRecipe out;
  out.data.train = "set.csv";
  out.model.encoder = "residual";
  out.model.image_size = kSide;
  out.model.teacher = "teacher";
  out.model.hidden = 16;
  out.model.residual = {.channels = channels,
                        .stem_kernel = 3,
                        .stem_stride = 1,
                        .stem_width = 16,
                        .stem_pool = false,
                        .first_stride = 2,
                        .widths = {16, embed},
                        .blocks = {1, 1}};
  out.training.batch = 12;
  out.training.augment = {.pad = 2, .shift = 0.5, .flip = 0, .erase = 0.5};
  return out;
}

E2nRecipe swin_recipe() {
  E2nRecipe out = residual_recipe(3, 32);
  out.model.encoder = "swin";
  out.model.swin = {
      .patch = 2, .width = 16, .depths = {2, 2}, .heads = {1, 2}, .window = 3, .drop_path = 0.1};
  return out;
}

std::unique_ptr<Method> make(const E2nRecipe& recipe, const std::filesystem::path& folder) {
  MethodContext context;
  context.data = folder;
  auto method = make_run<E2nMethod>(recipe, context);
  EXPECT_TRUE(method.ok()) << method.status().message();
  return method.ok() ? std::move(*method) : nullptr;
}

// Plain gradient steps; returns the first and the last loss.
std::pair<double, double> train(Method& method, int epochs, double rate) {
  const auto groups = method.begin_stage(0);
  std::pair<double, double> out{-1, -1};
  for (int epoch = 0; epoch < epochs; ++epoch) {
    EXPECT_TRUE(method.begin_epoch(0, epoch, 0).ok());
    for (std::int64_t s = 0; s < method.steps_per_epoch(0); ++s) {
      const auto output = method.step();
      EXPECT_TRUE(output.ok()) << output.status().message();
      output->loss.backward();
      out.second = output->loss.item<double>();
      if (out.first < 0) out.first = out.second;
      const at::NoGradGuard no_grad;
      for (const auto& [name, tensor] : groups.front().parameters) {
        if (!tensor.grad().defined()) continue;
        torch::Tensor(tensor).add_(tensor.grad(), -rate);
        tensor.grad().zero_();
      }
    }
  }
  return out;
}

void expect_reads_patterns(const std::filesystem::path& path, bool neutral) {
  const auto bundle = engine::Bundle::load(path);
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const engine::BundleInfo& info = (*bundle)->info();
  engine::Session session;
  const auto scorer =
      engine::LabelScorer::make(**bundle, {.name = "own", .labels = info.labels}, {}, session);
  ASSERT_TRUE(scorer.ok()) << scorer.status().message();
  const auto encoder = (*bundle)->image_encoder();
  MIEN_ASSERT_OK(encoder);
  const auto difference = engine::NeutralDifference::load((*bundle)->weights(), info.architecture);
  MIEN_ASSERT_OK(difference);
  ASSERT_EQ(*difference != nullptr, neutral);
  Rng rng(9);
  std::vector<float> intensity;
  for (int kind = 0; kind < 3; ++kind) {
    std::vector<float> pixels(3 * kSide * kSide);
    std::vector<float> row(static_cast<std::size_t>(info.architecture.embed));
    MIEN_ASSERT_OK(image::preprocess(halves(kind, rng), info.preprocess, pixels));
    MIEN_ASSERT_OK((*encoder)->encode(pixels.data(), 1, row.data(), session));
    if (neutral) intensity.push_back((*difference)->intensity(row));
    float length = 0;
    for (const float value : row) length += value * value;
    for (float& value : row) value /= std::sqrt(length);
    EXPECT_EQ((*scorer)->score(row).labels.front().label, kNames[kind]);
  }
  if (neutral) {
    EXPECT_GT(intensity[0], intensity[2]);
    EXPECT_GT(intensity[1], intensity[2]);
  }
}

class E2n : public testing::Test {
 protected:
  void SetUp() override { write_halves(dir_.path()); }
  test::TempDir dir_;
};

TEST_F(E2n, LearnsGreyPatternsAndGivesThemToTheEngine) {
  const auto method = make(residual_recipe(1, teacher_embed(dir_.path())), dir_.path());
  ASSERT_NE(method, nullptr);
  const auto [first, last] = train(*method, 12, 0.01);
  EXPECT_LT(last, first);
  const at::NoGradGuard no_grad;
  const auto values = method->validate(0, 0);
  MIEN_ASSERT_OK(values);
  EXPECT_EQ(values->front().first, "war");
  EXPECT_GE(values->front().second, 90);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  expect_reads_patterns(dir_ / "bundle", true);
}

TEST_F(E2n, ColourSwinWithTheTextTowerAnswersFreeLabels) {
  E2nRecipe recipe = swin_recipe();
  recipe.training.text_tower = true;
  const auto method = make(recipe, dir_.path());
  ASSERT_NE(method, nullptr);
  const auto [first, last] = train(*method, 12, 0.01);
  EXPECT_LT(last, first);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  MIEN_ASSERT_OK((*bundle)->verify_hashes());
  engine::Session session;
  const std::vector<text::Label> labels = {
      {.name = "free", .texts = {"any words at all"}, .parts = {}}};
  MIEN_ASSERT_OK(
      engine::LabelScorer::make(**bundle, {.name = "free", .labels = labels}, {}, session));
  // What is stored is what the text tower says.
  const auto encoded = engine::encode_label_features(**bundle, (*bundle)->info().labels, session);
  MIEN_ASSERT_OK(encoded);
  std::vector<float> stored((*bundle)->label_features()->size());
  MIEN_ASSERT_OK(copy_to_f32(*(*bundle)->label_features(), stored));
  for (std::size_t i = 0; i < stored.size(); ++i) {
    EXPECT_NEAR(stored[i], encoded->f32()[i], 1e-5);
  }
}

TEST_F(E2n, TextsStayFrozenAndEverythingElseTrainsInOneGroup) {
  const auto made = make_run<E2nMethod>(swin_recipe(), [&] {
    MethodContext context;
    context.data = dir_.path();
    return context;
  }());
  ASSERT_TRUE(made.ok()) << made.status().message();
  Method& method = **made;
  const auto groups = method.begin_stage(0);
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_FALSE(groups.front().weight_decay.has_value());
  std::set<std::string> names;
  for (const auto& [name, tensor] : groups.front().parameters) {
    names.insert(name);
    EXPECT_TRUE(tensor.requires_grad()) << name;
  }
  EXPECT_TRUE(names.contains("visual.patch_embed.norm.bias"));
  EXPECT_TRUE(names.contains("visual.feature.3.weight"));
  EXPECT_TRUE(names.contains("neutral.2.bias"));
  for (const std::string& name : names) {
    EXPECT_TRUE(name.starts_with("visual.") || name.starts_with("neutral.")) << name;
  }
  const auto before = read_e2n_teacher(dir_ / "teacher", E2nTraining().prompt, {"angry", "happy"});
  MIEN_ASSERT_OK(before);
  EXPECT_FALSE(before->texts.requires_grad());
  train(method, 1, 0.01);
  MIEN_ASSERT_OK(method.export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  MIEN_ASSERT_OK(bundle);
  std::vector<float> stored((*bundle)->label_features()->size());
  MIEN_ASSERT_OK(copy_to_f32(*(*bundle)->label_features(), stored));
  const torch::Tensor unit = before->texts / before->texts.norm(2, 1, true);
  for (std::int64_t i = 0; i < unit.numel(); ++i) {
    EXPECT_NEAR(unit.view(-1)[i].item<float>(), stored[static_cast<std::size_t>(i)], 1e-6);
  }
}

TEST_F(E2n, LearnedPrototypesTrainWithoutTheNeutralNetwork) {
  E2nRecipe recipe = residual_recipe(1, teacher_embed(dir_.path()));
  recipe.training.targets = "learned";
  recipe.training.lambda_t = recipe.training.lambda_c = 0;
  const auto method = make(recipe, dir_.path());
  ASSERT_NE(method, nullptr);
  train(*method, 12, 0.01);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  expect_reads_patterns(dir_ / "bundle", false);
}

TEST_F(E2n, StartsFromTheTowerOfABundleOfLargerPatches) {
  const auto first = make(swin_recipe(), dir_.path());
  ASSERT_NE(first, nullptr);
  MIEN_ASSERT_OK(first->export_bundle(dir_ / "large", false));
  E2nRecipe half = swin_recipe();
  half.model.init = (dir_ / "large").string();
  half.model.image_size = 12;
  half.model.swin.patch = 1;
  const auto made = make(half, dir_.path());
  ASSERT_NE(made, nullptr);
  const at::NoGradGuard no_grad;
  // A picture of squares of 2 pixels looks the same to both.
  torch::manual_seed(3);
  const torch::Tensor small = torch::randn({2, 3, 12, 12});
  const torch::Tensor large = small.repeat_interleave(2, 2).repeat_interleave(2, 3);
  const auto tower_of = [](const E2nRecipe& recipe, Method& method) {
    const auto out = make_image_tower(recipe.model.architecture(32)->image, 32);
    for (const auto& [name, tensor] : method.state()) {
      for (const auto& [own, to] : out->published()) {
        if (name == "visual." + own) torch::Tensor(to).copy_(tensor);
      }
    }
    out->eval();
    return out;
  };
  ASSERT_EQ(teacher_embed(dir_.path()), 32);
  const torch::Tensor a = tower_of(swin_recipe(), *first)->forward(large);
  const torch::Tensor b = tower_of(half, *made)->forward(small);
  EXPECT_LT((a - b).abs().max().item<double>(), 1e-4);
  half.model.swin.width = 32;
  MethodContext context;
  context.data = dir_.path();
  MIEN_EXPECT_CODE(make_run<E2nMethod>(half, context), StatusCode::kCorrupt);
}

TEST_F(E2n, RefusesWhatCannotBe) {
  MethodContext context;
  context.data = dir_.path();
  const auto code = [&](auto change) {
    E2nRecipe recipe = residual_recipe(1, teacher_embed(dir_.path()));
    change(recipe);
    return make_run<E2nMethod>(recipe, context).status().code();
  };
  EXPECT_EQ(code([](E2nRecipe& r) { r.model.teacher = {}; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](E2nRecipe& r) { r.training.neutral = "calm"; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](E2nRecipe& r) { r.model.residual.widths.back() = 48; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](E2nRecipe& r) { r.model.residual.blocks = {1}; }),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code([](E2nRecipe& r) {
              r.model.encoder = "swin";
              r.model.image_size = 30;
            }),
            StatusCode::kInvalidArgument);
}

TEST(E2nPrompt, NamesTheExpression) {
  const std::string pattern = E2nTraining().prompt;
  EXPECT_EQ(e2n_prompt(pattern, "surprise"),
            "a photo of a person making a surprise facial expression.");
  EXPECT_EQ(e2n_prompt(pattern, "angry"), "a photo of a person making an anger facial expression.");
  EXPECT_EQ(e2n_prompt(pattern, "anger"), "a photo of a person making an anger facial expression.");
  EXPECT_EQ(e2n_prompt(pattern, "sad"), "a photo of a person making a sadness facial expression.");
  EXPECT_EQ(e2n_prompt(pattern, "happy"),
            "a photo of a person making a happiness facial expression.");
  EXPECT_EQ(e2n_prompt(pattern, "contempt"),
            "a photo of a person making a contempt facial expression.");
}

// methods-e2n-fer §12.
TEST(E2nPrompt, HasThePublishedTokens) {
  const auto data = test::shared_data();
  if (data.empty()) GTEST_SKIP() << "no shared data (set MIEN_DATA)";
  const auto tokenizer = text::load_bpe(data / "clip-bpe" / "bpe_simple_vocab_16e6.txt.gz");
  MIEN_ASSERT_OK(tokenizer);
  const auto ids = [&](const char* name) {
    auto out = (*tokenizer)->encode(e2n_prompt(E2nTraining().prompt, name));
    EXPECT_TRUE(out.ok());
    return out.ok() ? *out : std::vector<std::int32_t>();
  };
  EXPECT_EQ(ids("surprise"), (std::vector<std::int32_t>{320, 1125, 539, 320, 2533, 1665, 320, 5099,
                                                        11909, 11357, 269}));
  EXPECT_EQ(ids("angry"), (std::vector<std::int32_t>{320, 1125, 539, 320, 2533, 1665, 550, 6788,
                                                     11909, 11357, 269}));
}

}  // namespace
}  // namespace mien::methods
