#include "methods/exp_clip/options.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>

#include "checkpoint/safetensors.h"
#include "engine/projection.h"
#include "engine/tiny_bundle.h"
#include "methods/exp_clip/train.h"
#include "mien/engine/label_scorer.h"
#include "nn/load.h"
#include "support/test_support.h"
#include "text/prompt_ensembles.h"
#include "unit/methods/coloured_clips.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

constexpr std::int64_t kWidth = 40;

class ExpClipTest : public testing::Test {
 protected:
  void SetUp() override {
    write_clips(dir_.path(), 16, 2, false);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    recipe_.data.train = "faces.csv";
    recipe_.data.unit = "frame";
    recipe_.data.val_split = "train";
    recipe_.training.init = "tiny";
    recipe_.training.teacher = "teacher.safetensors";
    recipe_.training.batch = 16;
    context_.data = dir_.path();
    context_.cache = dir_ / "cache";
    torch::manual_seed(9);
    write_teacher(torch::randn({32, kWidth}));
  }

  void write_teacher(const torch::Tensor& vectors) {
    const torch::Tensor whole = vectors.contiguous();
    MIEN_ASSERT_OK(checkpoint::write_safetensors(dir_ / "teacher.safetensors",
                                                 {{"vectors", nn::as_view(whole)}}));
  }

  std::unique_ptr<ExpClipMethod> make() {
    auto made = make_run<ExpClipMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  // Shape: -> [samples, embed].
  torch::Tensor image_rows(const ExpClipMethod& method) {
    std::vector<torch::Tensor> out;
    Towers towers = method.towers();
    for (const data::Sample& sample : method.data().train->samples) {
      torch::Tensor pixels = torch::empty({1, 3, 32, 32});
      EXPECT_TRUE(method.reader()
                      .read(*method.data().train, sample.frames.front(),
                            {pixels.data_ptr<float>(), 3 * 32 * 32})
                      .ok());
      out.push_back(towers.images(pixels, true));
    }
    return at::cat(out);
  }

  test::TempDir dir_;
  ExpClipRecipe recipe_;
  MethodContext context_;
};

TEST_F(ExpClipTest, OnlyTheProjectionTrains) {
  const auto method = make();
  EXPECT_EQ(method->head().sizes(), (at::IntArrayRef{kWidth, 32}));
  EXPECT_LE(method->head().abs().max().item<double>(), 1 / std::sqrt(32.0));
  EXPECT_GT(method->head().abs().max().item<double>(), 0.9 / std::sqrt(32.0));
  const torch::Tensor start = method->head().detach().clone();
  const torch::Tensor proj = method->towers().image_tensors().front().second.clone();
  const auto groups = method->begin_stage(0);
  ASSERT_EQ(groups.size(), 1u);
  ASSERT_EQ(groups[0].parameters.size(), 1u);
  EXPECT_EQ(method->steps_per_epoch(0), 2);
  run_plain_steps(*method, 0, 1, 1e-3);
  EXPECT_FALSE(method->head().equal(start));
  EXPECT_TRUE(method->towers().image_tensors().front().second.equal(proj));
  for (const auto& [name, tensor] : method->towers().text_tensors()) {
    EXPECT_FALSE(tensor.requires_grad()) << name;
  }
}

TEST_F(ExpClipTest, LearnsTheTeachersMap) {
  const at::NoGradGuard outside;
  const torch::Tensor map = torch::randn({32, kWidth});
  write_teacher(at::matmul(image_rows(*make()), map));
  const c10::AutoGradMode inside(true);
  const auto method = make();
  const StepOutput first = run_plain_steps(*method, 0, 1, 0);
  run_plain_steps(*method, 0, 100, 1e-2);
  const StepOutput last = run_plain_steps(*method, 0, 100, 1e-3);
  EXPECT_LT(last.loss.item<double>(), 0.5 * first.loss.item<double>());
  EXPECT_EQ(last.values[0].first, "match");
  EXPECT_GT(last.values[0].second, 20);  // many pictures are nearly the same; chance is 6.25
}

// Pictures and texts through the bundle are what the map makes of both towers' embeddings.
TEST_F(ExpClipTest, TheBundleHasTheMapInBothProjections) {
  recipe_.training.prompts = "P4";
  const auto method = make();
  run_plain_steps(*method, 0, 2, 1e-2);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const engine::BundleInfo& info = (*bundle)->info();
  EXPECT_EQ(info.method, "exp-clip");
  EXPECT_EQ(info.architecture.embed, kWidth);
  EXPECT_EQ(info.reduce, engine::Reduce::kMeanCosine);
  EXPECT_EQ(info.sampling.rule, video::SamplingRule::kCentresOrFirst);
  EXPECT_EQ(info.sampling.frames, 16);
  EXPECT_EQ(info.preprocess, image::PreprocessSpec::stretched(32));
  ASSERT_EQ(info.labels.size(), 4u);
  EXPECT_EQ(info.labels[1].name, "happy");
  EXPECT_EQ(info.labels[1].texts.size(), 5u);
  EXPECT_EQ(info.labels[1].texts[0], "an expression of happiness.");
  const at::NoGradGuard no_grad;
  engine::Session session;
  Towers towers = method->towers();
  const std::vector<std::string> texts = {"something else", info.labels[0].texts[3]};
  const auto found = engine::encode_texts(**bundle, texts, session);
  ASSERT_TRUE(found.ok());
  const auto raw = towers.texts(texts);
  ASSERT_TRUE(raw.ok());
  torch::Tensor wanted = at::linear(*raw, method->head());
  wanted = wanted / wanted.norm(2, 1, true);
  const auto near = [](const torch::Tensor& value, const float* other) {
    return (value.flatten() - torch::from_blob(const_cast<float*>(other), {value.numel()}))
               .abs()
               .max()
               .item<double>() < 1e-5;
  };
  EXPECT_TRUE(near(wanted, found->f32().data()));
  const torch::Tensor stored = nn::to_torch(*(*bundle)->label_features()).value();
  EXPECT_TRUE(near(wanted[1], stored[3].data_ptr<float>()));
  const auto encoder = (*bundle)->image_encoder();
  ASSERT_TRUE(encoder.ok());
  EXPECT_EQ((*encoder)->embed(), kWidth);
  const torch::Tensor pixels = torch::rand({2, 3, 32, 32});
  torch::Tensor rows = torch::empty({2, kWidth});
  MIEN_ASSERT_OK((*encoder)->encode(pixels.data_ptr<float>(), 2, rows.data_ptr<float>(), session));
  const torch::Tensor mapped = at::linear(towers.images(pixels, true), method->head());
  EXPECT_LT((mapped - rows).abs().max().item<double>(), 1e-4);
}

TEST_F(ExpClipTest, ValidatesByTheMeanOverPromptsOfClipsToo) {
  recipe_.data.unit = "sequence";
  write_teacher(torch::randn({16, kWidth}));
  recipe_.training.prompts = "P5";
  recipe_.training.batch = 8;
  const auto method = make();
  const at::NoGradGuard no_grad;
  const auto figures = method->validate(0, 0);
  ASSERT_TRUE(figures.ok()) << figures.status().message();
  // By hand: frames by the testing rule, the mean before the map, cosines averaged over prompts.
  Towers towers = method->towers();
  std::int64_t right = 0;
  for (const data::Sample& sample : method->data().train->samples) {
    torch::Tensor pixels = torch::empty({2, 3, 32, 32});
    for (int f = 0; f < 2; ++f) {
      MIEN_ASSERT_OK(method->reader().read(*method->data().train,
                                           sample.frames[static_cast<std::size_t>(f)],
                                           {pixels[f].data_ptr<float>(), 3 * 32 * 32}));
    }
    // A clip that is shorter than the sample gives its first frame every time.
    const torch::Tensor clip = at::linear(towers.images(pixels, true)[0], method->head());
    torch::Tensor scores = torch::empty({4});
    for (std::int64_t c = 0; c < 4; ++c) {
      const auto set =
          text::prompt_ensemble("P5", {method->data().val->classes[static_cast<std::size_t>(c)]});
      const torch::Tensor texts = at::linear(*towers.texts(set->labels[0].texts), method->head());
      scores[c] = at::cosine_similarity(texts, clip.unsqueeze(0), 1).mean();
    }
    right += scores.argmax().item<std::int64_t>() == sample.labels[0] ? 1 : 0;
  }
  EXPECT_NEAR((*figures)[0].second, 100.0 * static_cast<double>(right) / 16, 1e-9);
}

TEST_F(ExpClipTest, RowsOfTheTeacherCanBeNamed) {
  const auto whole = make();
  const torch::Tensor wanted = whole->teacher().rows({3, 0});
  EXPECT_NEAR(wanted.norm(2, 1).sum().item<double>(), 2, 1e-5);
  // The same rows backwards, with their names.
  torch::manual_seed(9);
  write_teacher(torch::randn({32, kWidth}).flip({0}));
  std::ofstream ids(dir_ / "ids.txt");
  const auto& samples = whole->data().train->samples;
  for (auto it = samples.rbegin(); it != samples.rend(); ++it) ids << it->id << "\n";
  ids.close();
  recipe_.training.teacher_ids = "ids.txt";
  EXPECT_TRUE(make()->teacher().rows({3, 0}).equal(wanted));
}

TEST_F(ExpClipTest, UnlabelledPicturesTrain) {
  std::ofstream csv(dir_ / "bare.csv");
  csv << "path,label,split\n";
  for (int i = 0; i < 16; ++i) csv << "faces/" << i << "_0.png,,train\n";
  csv.close();
  recipe_.data.train = "bare.csv";
  recipe_.data.val_split = "";
  recipe_.data.unlabelled = true;
  write_teacher(torch::randn({16, kWidth}));
  const auto method = make();
  run_plain_steps(*method, 0, 1, 1e-3);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  EXPECT_EQ((*bundle)->info().labels.size(), 7u);
  EXPECT_EQ((*bundle)->info().labels[0].name, "happiness");
}

TEST_F(ExpClipTest, RefusesATeacherThatDoesNotFit) {
  const auto refused = [&](const char* what) {
    const auto made = make_run<ExpClipMethod>(recipe_, context_);
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.status().message(), HasSubstr(what));
  };
  write_teacher(torch::randn({31, kWidth}));
  refused("has 31 rows (expected 32");
  torch::Tensor bad = torch::randn({32, kWidth});
  bad[5].zero_();
  write_teacher(bad);
  refused("zero or not finite");
  bad[5][0] = NAN;
  write_teacher(bad);
  refused("zero or not finite");
  write_teacher(torch::randn({32}));
  refused("another shape");
  write_teacher(torch::randn({2, kWidth}));
  std::ofstream(dir_ / "ids.txt") << "faces/0_0.png\nfaces/1_0.png\n";
  recipe_.training.teacher_ids = "ids.txt";
  refused("has no line for sample");
  std::ofstream(dir_ / "ids.txt") << "faces/0_0.png\nfaces/0_0.png\n";
  refused("duplicate");
  recipe_.training.teacher = "";
  refused("exp-clip.teacher");
}

Tensor tensor_of(Shape shape, const std::vector<float>& values) {
  Tensor out(DType::kF32, std::move(shape));
  std::copy(values.begin(), values.end(), out.f32().begin());
  return out;
}

TEST(FoldProjection, IsTheProductOfBoth) {
  const Tensor a = tensor_of({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor b = tensor_of({1, 3}, {1, 0, -1});
  const auto folded = engine::fold_projection(a.view(), b.view());
  ASSERT_TRUE(folded.ok());
  EXPECT_EQ(folded->shape(), (Shape{2, 1}));
  EXPECT_EQ(folded->f32()[0], -2);
  EXPECT_EQ(folded->f32()[1], -2);
  const Tensor c = tensor_of({1, 2}, {1, 0});
  MIEN_EXPECT_CODE(engine::fold_projection(a.view(), c.view()), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace mien::methods
