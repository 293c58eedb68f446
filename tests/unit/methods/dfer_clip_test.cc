#include "methods/dfer_clip/options.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <functional>
#include <map>

#include "engine/tiny_bundle.h"
#include "methods/dfer_clip/train.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"
#include "unit/methods/engine_scores.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using Values = std::map<std::string, torch::Tensor>;

class DferClipTest : public testing::Test {
 protected:
  void SetUp() override {
    write_clips(dir_.path(), 16, 4, false);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    recipe_.data.train = "faces.csv";
    recipe_.data.unit = "sequence";
    recipe_.data.val_split = "train";
    recipe_.training.init = "tiny";
    recipe_.training.contexts.tokens = 3;
    recipe_.training.batch = 8;
    recipe_.training.frames = 4;
    recipe_.training.view = {};
    context_.data = dir_.path();
    context_.cache = dir_ / "cache";
  }

  std::unique_ptr<DferClipMethod> make() {
    auto made = make_run<DferClipMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  static Values snapshot(const DferClipMethod& method) {
    Values out;
    for (const auto& list : {method.towers().image_tensors(), method.towers().text_tensors(),
                             method.temporal_tensors()}) {
      for (const auto& [name, tensor] : list) out[name] = tensor.detach().clone();
    }
    out["contexts"] = method.contexts().vectors().detach().clone();
    return out;
  }

  static void expect_changed(const Values& before, const Values& after,
                             const std::function<bool(const std::string&)>& trains) {
    ASSERT_EQ(before.size(), after.size());
    for (const auto& [name, tensor] : before) {
      EXPECT_EQ(!tensor.equal(after.at(name)), trains(name)) << name;
    }
  }

  test::TempDir dir_;
  DferClipRecipe recipe_;
  MethodContext context_;
};

TEST_F(DferClipTest, TrainsImageTowerTemporalModelAndContexts) {
  const auto method = make();
  const Values start = snapshot(*method);
  EXPECT_EQ(start.at("contexts").sizes(), (at::IntArrayRef{4, 3, 64}));
  EXPECT_EQ(start.at("temporal.pos_embedding").sizes(), (at::IntArrayRef{1, 5, 32}));
  EXPECT_EQ(start.at("temporal.temporal_transformer.layers.0.0.fn.fn.to_qkv.weight").sizes(),
            (at::IntArrayRef{1536, 32}));
  EXPECT_EQ(start.at("temporal.temporal_transformer.layers.0.1.fn.fn.net.0.weight").sizes(),
            (at::IntArrayRef{64, 32}));
  const auto groups = method->begin_stage(0);
  ASSERT_EQ(groups.size(), 3u);
  EXPECT_EQ(method->settings(0).lr, 1e-2);
  EXPECT_EQ(groups[1].name, "image");
  EXPECT_NEAR(groups[1].lr_factor, 1e-3, 1e-12);
  EXPECT_EQ(groups[2].name, "contexts");
  EXPECT_NEAR(groups[2].lr_factor, 0.1, 1e-12);
  run_plain_steps(*method, 0, 1, 1e-2);
  expect_changed(start, snapshot(*method), [](const std::string& name) {
    return name == "contexts" || name.starts_with("temporal.") || name.starts_with("visual.");
  });
}

TEST_F(DferClipTest, RatesOfZeroFreeze) {
  recipe_.training.lr_image = recipe_.training.lr_contexts = 0;
  const auto method = make();
  const Values start = snapshot(*method);
  EXPECT_EQ(method->begin_stage(0).size(), 1u);
  run_plain_steps(*method, 0, 1, 1e-2);
  expect_changed(start, snapshot(*method),
                 [](const std::string& name) { return name.starts_with("temporal."); });
  EXPECT_EQ(method->state().size(), method->temporal_tensors().size() + 1);
}

TEST_F(DferClipTest, CachedEmbeddingsGiveTheSameLoss) {
  recipe_.training.lr_image = 0;
  std::vector<double> losses;
  for (const bool cache : {true, false}) {
    recipe_.training.cache = cache;
    losses.push_back(run_plain_steps(*make(), 0, 1, 1e-3).loss.item<double>());
  }
  EXPECT_NEAR(losses[0], losses[1], 2e-4);
}

TEST_F(DferClipTest, LearnsTheClasses) {
  recipe_.training.lr_image = recipe_.training.lr_contexts = recipe_.training.lr_temporal;
  const auto method = make();
  run_plain_steps(*method, 0, 60, 1e-3);
  run_plain_steps(*method, 0, 20, 1e-4);  // steps of one length never settle
  const at::NoGradGuard no_grad;
  const auto figures = method->validate(0, 0);
  ASSERT_TRUE(figures.ok()) << figures.status().message();
  EXPECT_EQ((*figures)[0].first, "war");
  EXPECT_GT((*figures)[0].second, 90);
}

// The bundle says of every clip what the torch wing says.
TEST_F(DferClipTest, TheEngineGivesTheScoresOfTheTorchWing) {
  const auto method = make();
  run_plain_steps(*method, 0, 2, 1e-2);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  const engine::BundleInfo& info = (*bundle)->info();
  EXPECT_EQ(info.method, "dfer-clip");
  EXPECT_NEAR(info.logit_scale, 100, 1e-9);
  EXPECT_EQ(info.sampling.rule, video::SamplingRule::kSegmentsOrHold);
  EXPECT_EQ(info.preprocess, image::PreprocessSpec::stretched(32));
  ASSERT_EQ(info.learned.size(), 4u);
  EXPECT_EQ(info.learned[0].tokens.size(), 3u);
  EXPECT_THAT(info.labels[0].texts[0], StartsWith("furrowed eyebrows"));
  EXPECT_THAT(info.labels[0].texts[0], HasSubstr("3 learned tokens"));
  EXPECT_TRUE(info.unknown.threshold.has_value());
  const at::NoGradGuard no_grad;
  const auto logits = method->validation_logits();
  ASSERT_TRUE(logits.ok());
  expect_engine_scores(dir_.path(), **bundle, 4, *logits);
}

TEST_F(DferClipTest, ATemporalModelOfTheSameSizesIsTaken) {
  const auto first = make();
  run_plain_steps(*first, 0, 1, 1e-2);
  MIEN_ASSERT_OK(first->export_bundle(dir_ / "bundle", false));
  recipe_.training.init = "bundle";
  context_.seed = 7;
  const auto second = make();
  const Values wanted = snapshot(*first), found = snapshot(*second);
  for (const auto& [name, tensor] : wanted) {
    if (name == "contexts") continue;
    EXPECT_TRUE(tensor.equal(found.at(name))) << name;
  }
  std::vector<std::string> warnings;
  context_.log = [&](LogLevel, std::string_view text) { warnings.emplace_back(text); };
  recipe_.training.temporal_layers = 2;
  make();
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_THAT(warnings[0], HasSubstr("other sizes"));
}

TEST_F(DferClipTest, AResumedEpochSeesTheSameBatches) {
  recipe_.training.view = data::PictureViewOptions::bright_crop_flip();
  std::vector<double> whole, part;
  for (const std::int64_t first : {0, 1}) {
    const auto method = make();
    method->begin_stage(0);
    MIEN_ASSERT_OK(method->begin_epoch(0, 1, first));
    for (std::int64_t s = first; s < method->steps_per_epoch(0); ++s) {
      const auto output = method->step();
      ASSERT_TRUE(output.ok());
      (first == 0 ? whole : part).push_back(output->loss.item<double>());
    }
  }
  ASSERT_EQ(part.size(), 1u);
  EXPECT_EQ(part[0], whole[1]);
}

TEST_F(DferClipTest, TextsAreOfTheKindThatIsAsked) {
  for (const auto& [kind, start] :
       {std::pair("names", "anger."), std::pair("context", "an expression of anger."),
        std::pair("descriptors", "furrowed eyebrows")}) {
    recipe_.training.texts = kind;
    const auto method = make();
    MIEN_ASSERT_OK(method->export_bundle(dir_ / kind, false));
    const auto bundle = engine::Bundle::load(dir_ / kind);
    ASSERT_TRUE(bundle.ok());
    EXPECT_THAT((*bundle)->info().labels[0].texts[0], StartsWith(start));
  }
  recipe_.training.class_texts = "basic7";
  const auto method = make();
  EXPECT_GT(method->contexts().ids().size(1), 0);
}

TEST_F(DferClipTest, RefusesWhatCannotWork) {
  const auto refused = [&](const char* what) {
    const auto made = make_run<DferClipMethod>(recipe_, context_);
    ASSERT_FALSE(made.ok());
    EXPECT_THAT(made.status().message(), HasSubstr(what));
  };
  const DferClipRecipe good = recipe_;
  recipe_.training.init = "";
  refused("dfer-clip.init");
  recipe_ = good;
  recipe_.training.view.ratio_min = 2;
  refused("ratio_min");
  recipe_ = good;
  recipe_.training.class_texts = "happy,sad";
  refused("angry");
  recipe_ = good;
  recipe_.training.contexts.tokens = 500;
  refused("learned tokens");
}

}  // namespace
}  // namespace mien::methods
