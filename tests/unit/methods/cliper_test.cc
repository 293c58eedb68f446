#include "methods/cliper/options.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <map>

#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "loss/descriptors.h"
#include "methods/cliper/train.h"
#include "mien/engine/label_scorer.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;
using Values = std::map<std::string, torch::Tensor>;

class CliperTest : public testing::Test {
 protected:
  void SetUp() override {
    write_clips(dir_.path(), 16, 4, false);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    recipe_.data.train = "faces.csv";
    recipe_.data.unit = "frame";
    recipe_.data.val_split = "train";
    recipe_.training.init = "tiny";
    recipe_.training.learned = {.per_class = 3, .tokens = 2};
    recipe_.training.batch = 16;
    recipe_.training.augment = {};
    recipe_.training.view = {};
    recipe_.training.stage2.epochs = 2;
    context_.data = dir_.path();
    context_.cache = dir_ / "cache";
  }

  std::unique_ptr<CliperMethod> make() {
    auto made = make_run<CliperMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  static Values snapshot(const CliperMethod& method) {
    Values out;
    for (const auto& list : {method.towers().image_tensors(), method.towers().text_tensors()}) {
      for (const auto& [name, tensor] : list) out[name] = tensor.detach().clone();
    }
    if (method.prompts() != nullptr) {
      out["prompts"] = method.prompts()->vectors().detach().clone();
    }
    return out;
  }

  static StepOutput run(Method& method, int stage, int epochs, double lr) {
    return run_plain_steps(method, stage, epochs, lr);
  }

  static double value(const StepOutput& output, const std::string& name) {
    for (const auto& [key, value] : output.values) {
      if (key == name) return value;
    }
    return NAN;
  }

  test::TempDir dir_;
  CliperRecipe recipe_;
  MethodContext context_;
};

void expect_changed(const Values& before, const Values& after,
                    const std::function<bool(const std::string&)>& trains) {
  ASSERT_EQ(before.size(), after.size());
  for (const auto& [name, tensor] : before) {
    EXPECT_EQ(!tensor.equal(after.at(name)), trains(name)) << name;
  }
}

TEST_F(CliperTest, EveryStageChangesItsOwnTensorsOnly) {
  const auto method = make();
  ASSERT_EQ(method->stages(), 2);
  const Values start = snapshot(*method);
  EXPECT_EQ(start.at("prompts").sizes(), (at::IntArrayRef{12, 2, 64}));
  EXPECT_LT(start.at("prompts").abs().max().item<double>(), 0.01);
  run(*method, 0, 1, 0.01);
  const Values middle = snapshot(*method);
  expect_changed(start, middle, [](const std::string& name) { return name == "prompts"; });
  run(*method, 1, 1, 1e-4);
  expect_changed(middle, snapshot(*method),
                 [](const std::string& name) { return name.starts_with("visual."); });
}

TEST_F(CliperTest, JointTrainsDescriptorsWithTheTower) {
  recipe_.training.joint = true;
  recipe_.training.stage1.epochs = 0;
  const auto method = make();
  ASSERT_EQ(method->stages(), 1);
  const Values start = snapshot(*method);
  const auto groups = method->begin_stage(0);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_NEAR(groups[1].lr_factor, 2000, 1e-6);
  run(*method, 0, 1, 1e-5);
  expect_changed(start, snapshot(*method), [](const std::string& name) {
    return name == "prompts" || name.starts_with("visual.");
  });
}

TEST_F(CliperTest, StagesHaveTheirOwnSettings) {
  const CliperRecipe published;
  recipe_.training.stage1 = published.training.stage1;
  recipe_.training.stage2 = published.training.stage2;
  const auto method = make();
  const StageSettings first = method->settings(0), second = method->settings(1);
  EXPECT_EQ(first.lr, 0.01);
  EXPECT_EQ(first.weight_decay, 0.0);
  EXPECT_EQ(first.schedule, "constant");
  EXPECT_EQ(second.lr, 5e-6);
  EXPECT_EQ(second.weight_decay, 0.1);
  EXPECT_EQ(second.eps, 1e-4);
  EXPECT_EQ(second.schedule, "restarts");
  EXPECT_EQ(second.restart_epochs, 10);
  EXPECT_EQ(method->epochs(0) + method->epochs(1), 59);
}

// Stage 1 without augmentation reads the cache; stage 2 runs the text tower once per epoch.
TEST_F(CliperTest, FrozenTowersDoNotRun) {
  const auto method = make();
  const StepOutput first = run(*method, 0, 1, 0.01);
  EXPECT_EQ(value(first, "image_tower_pictures"), 0);
  EXPECT_EQ(value(first, "text_tower_runs"), 4);  // one per step: the descriptors change
  const StepOutput second = run(*method, 1, 2, 1e-5);
  EXPECT_EQ(value(second, "text_tower_runs"), 1);
  EXPECT_EQ(value(second, "image_tower_pictures"), 64);
  recipe_.training.augment.flip = 0.5;
  EXPECT_EQ(value(run(*make(), 0, 1, 0.01), "image_tower_pictures"), 64);
  recipe_.training.stage1.augment = false;
  EXPECT_EQ(value(run(*make(), 0, 1, 0.01), "image_tower_pictures"), 0);
}

TEST_F(CliperTest, CachedEmbeddingsGiveTheSameLoss) {
  for (const int frames : {1, 3}) {
    recipe_.training.frames = frames;
    recipe_.data.unit = frames == 1 ? "frame" : "sequence";
    std::vector<double> losses;
    for (const bool cache : {true, false}) {
      recipe_.training.cache = cache;
      losses.push_back(run(*make(), 0, 1, 0.01).loss.item<double>());
    }
    EXPECT_NEAR(losses[0], losses[1], 2e-4) << frames;
  }
}

TEST_F(CliperTest, LearnsTheClassesWithEitherLoss) {
  for (const std::string loss : {"full", "mean_ce"}) {
    recipe_.training.loss = loss;
    const auto method = make();
    run(*method, 0, 25, 0.01);
    run(*method, 1, 12, 3e-5);
    const at::NoGradGuard no_grad;
    const auto figures = method->validate(1, 0);
    ASSERT_TRUE(figures.ok()) << figures.status().message();
    EXPECT_EQ((*figures)[0].first, "war");
    EXPECT_GT((*figures)[0].second, 90) << loss;
  }
}

TEST_F(CliperTest, GradientOfTheDescriptors) {
  auto towers = Towers::load(dir_ / "tiny");
  ASSERT_TRUE(towers.ok());
  torch::manual_seed(4);
  const auto prompts = PromptLearner::make(*towers, {.per_class = 2, .tokens = 3}, 3);
  ASSERT_TRUE(prompts.ok());
  torch::Tensor vectors = prompts->vectors();
  vectors.mul_(1000).set_requires_grad(true);
  const torch::Tensor images = torch::randn({5, 32});
  const torch::Tensor rows = images / images.norm(2, 1, true);
  const torch::Tensor labels = torch::tensor({0, 2, 1, 1, 2}, torch::dtype(torch::kInt64));
  const auto f = [&] {
    const torch::Tensor s = loss::descriptor_scores(rows, prompts->encode(*towers), 2, 0.5);
    return loss::descriptor_mean(s, labels);
  };
  f().backward();
  const torch::Tensor gradient = vectors.grad().clone();
  ASSERT_GT(gradient.abs().min().item<double>(), 0);
  // float32: a long step along the gradient, whose slope is its squared norm.
  const at::NoGradGuard no_grad;
  const double norm = gradient.norm().item<double>(), step = 0.02 / norm;
  const torch::Tensor start = vectors.clone();
  vectors.copy_(start + step * gradient);
  const double above = f().item<double>();
  vectors.copy_(start - step * gradient);
  const double below = f().item<double>();
  EXPECT_NEAR((above - below) / (2 * step), norm * norm, 0.01 * norm * norm);
}

// The bundle says of every picture what the torch wing says, by its own rule.
TEST_F(CliperTest, TheEngineGivesTheScoresOfTheTorchWing) {
  recipe_.training.select = "war";
  const auto method = make();
  run(*method, 0, 4, 0.01);
  run(*method, 1, 1, 1e-5);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const engine::BundleInfo& info = (*bundle)->info();
  EXPECT_EQ(info.method, "cliper");
  EXPECT_EQ(info.reduce, engine::Reduce::kMeanCosine);
  EXPECT_NEAR(info.logit_scale, 100, 1e-9);
  ASSERT_EQ(info.learned.size(), 12u);
  EXPECT_EQ(info.learned[0].tokens.size(), 2u);
  EXPECT_EQ(info.learned[0].tokens[0].size(), 5u);
  EXPECT_TRUE(info.unknown.threshold.has_value());
  EXPECT_THAT(info.labels[1].texts[2], HasSubstr("learned descriptor 3 of happy"));
  engine::Session session;
  const auto scorer =
      engine::LabelScorer::make(**bundle, {"own", info.labels}, {.explain = true}, session);
  ASSERT_TRUE(scorer.ok());
  const auto encoder = (*bundle)->image_encoder();
  ASSERT_TRUE(encoder.ok());
  const at::NoGradGuard no_grad;
  Towers towers = method->towers();
  const torch::Tensor rows = method->prompts()->encode(towers);
  for (int c = 0; c < 6; ++c) {
    const auto picture = image::load(dir_ / ("faces/" + std::to_string(c) + "_0.png"));
    ASSERT_TRUE(picture.ok());
    torch::Tensor pixels = torch::empty({1, 3, 32, 32});
    MIEN_ASSERT_OK(
        image::preprocess(*picture, info.preprocess, {pixels.data_ptr<float>(), 3 * 32 * 32}));
    torch::Tensor theirs = torch::empty({1, 32});
    MIEN_ASSERT_OK(
        (*encoder)->encode(pixels.data_ptr<float>(), 1, theirs.data_ptr<float>(), session));
    theirs = theirs / theirs.norm();
    torch::Tensor ours = towers.images(pixels, false);
    ours = ours / ours.norm();
    const torch::Tensor means = loss::descriptor_scores(ours, rows, 3, 0.01).mean(2)[0];
    const auto scores = (*scorer)->score({theirs.data_ptr<float>(), 32});
    for (const engine::LabelScore& score : scores.labels) {
      const auto place = std::find_if(info.labels.begin(), info.labels.end(),
                                      [&](const auto& label) { return label.name == score.label; });
      EXPECT_NEAR(100 * score.cosine, means[place - info.labels.begin()].item<double>(), 2e-3);
    }
    ASSERT_EQ(scores.reasons.size(), 12u);
    EXPECT_EQ(scores.reasons[0].near.size(), 2u);
    EXPECT_EQ(scores.reasons[0].near[0].size(), 5u);
  }
}

TEST_F(CliperTest, ClipsKeepTheirSampling) {
  recipe_.data.unit = "sequence";
  recipe_.training.frames = 3;
  recipe_.training.stage2.epochs = 0;
  recipe_.training.batch = 8;
  const auto method = make();
  EXPECT_EQ(method->stages(), 1);
  run(*method, 0, 2, 0.01);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ((*bundle)->info().sampling.rule, video::SamplingRule::kSegmentsOrFirst);
  EXPECT_EQ((*bundle)->info().sampling.frames, 3);
  // The towers are those of the first bundle, byte for byte.
  const auto first = engine::Bundle::load(dir_ / "tiny");
  for (const auto& [name, view] : (*first)->weights().tensors()) {
    if (name == "logit_scale" || name == engine::Bundle::kLabelFeatures) continue;
    const TensorView* copy = (*bundle)->weights().find(name);
    ASSERT_NE(copy, nullptr) << name;
    EXPECT_TRUE(std::equal(view.bytes().begin(), view.bytes().end(), copy->bytes().begin()))
        << name;
  }
}

TEST_F(CliperTest, WrittenTextsHaveOneDescriptorAndNoFirstStage) {
  recipe_.training.prompts = "written";
  const auto method = make();
  EXPECT_EQ(method->stages(), 1);
  const StepOutput output = run(*method, 0, 1, 1e-5);
  EXPECT_EQ(value(output, "text_tower_runs"), 0);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok());
  EXPECT_TRUE((*bundle)->info().learned.empty());
  EXPECT_EQ((*bundle)->info().labels[0].texts,
            std::vector<std::string>{"a photo of a person with an expression of angry."});
}

TEST_F(CliperTest, AResumedEpochSeesTheSameBatches) {
  recipe_.training.augment.flip = 0.5;
  recipe_.training.view = data::RandomViewOptions::cliper();
  std::vector<double> whole, part;
  for (const std::int64_t first : {0, 2}) {
    const auto method = make();
    method->begin_stage(0);
    MIEN_ASSERT_OK(method->begin_epoch(0, 1, first));
    for (std::int64_t s = first; s < method->steps_per_epoch(0); ++s) {
      const auto output = method->step();
      ASSERT_TRUE(output.ok());
      (first == 0 ? whole : part).push_back(output->loss.item<double>());
    }
  }
  ASSERT_EQ(part.size(), 2u);
  EXPECT_EQ(part[0], whole[2]);
  EXPECT_EQ(part[1], whole[3]);
}

TEST_F(CliperTest, AHeldOutShareValidates) {
  recipe_.data.holdout = 0.25;
  const auto method = make();
  EXPECT_EQ(method->steps_per_epoch(0), 3);  // 48 of 64 pictures
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(method->validate(0, 0).ok());
  recipe_.data.folds = 2;
  EXPECT_THAT(test::problem_of(make_run<CliperMethod>(recipe_, context_)),
              HasSubstr("data.holdout"));
}

TEST_F(CliperTest, BadRecipes) {
  engine::TinyBundleOptions textless;
  textless.text_tower = false;
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "textless", textless));
  const auto problem = [&](auto change) {
    CliperRecipe changed = recipe_;
    change(changed);
    return test::problem_of(make_run<CliperMethod>(changed, context_));
  };
  EXPECT_THAT(problem([](auto& r) { r.training.init = ""; }), HasSubstr("cliper.init: is empty"));
  EXPECT_THAT(problem([](auto& r) { r.training.init = "no"; }), HasSubstr("no"));
  EXPECT_THAT(problem([](auto& r) { r.training.init = "textless"; }),
              HasSubstr("has no text tower"));
  EXPECT_THAT(problem([](auto& r) { r.training.learned.tokens = 0; }),
              HasSubstr("expected at least 1"));
  EXPECT_THAT(problem([](auto& r) { r.training.learned.tokens = 200; }),
              HasSubstr("200 learned tokens"));
  EXPECT_THAT(problem([](auto& r) { r.training.learned.per_class = 0; }),
              HasSubstr("expected at least 1"));
  EXPECT_THAT(problem([](auto& r) { r.training.learned.around = "a face"; }),
              HasSubstr("expected a text with one {}"));
  EXPECT_THAT(problem([](auto& r) { r.training.stage1.epochs = 0; }),
              HasSubstr("leaves the descriptors random"));
  EXPECT_THAT(problem([](auto& r) {
                r.training.stage2.epochs = 0;
                r.training.prompts = "written";
              }),
              HasSubstr("nothing trains"));
  EXPECT_THAT(problem([](auto& r) { r.data.classes = {"angry"}; }), HasSubstr("happy"));
  const std::string csv = *read_text_file(dir_ / "faces.csv", 1 << 20);
  std::string without = "path,split\n";
  for (int c = 0; c < 16; ++c) without += "faces/" + std::to_string(c) + "_0.png,train\n";
  MIEN_ASSERT_OK(write_file_atomically(dir_ / "unlabelled.csv", without));
  EXPECT_FALSE(problem([](auto& r) { r.data.train = "unlabelled.csv"; }).empty());
  EXPECT_THAT(test::problem_of(make_recipe("clipper")), HasSubstr("cliper"));
}

}  // namespace
}  // namespace mien::methods
