#include "methods/coop/train.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <map>

#include "engine/tiny_bundle.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"
#include "unit/methods/engine_scores.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CoopTest : public testing::Test {
 protected:
  void SetUp() override {
    write_clips(dir_.path(), 24, 4, false);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    recipe_.data.train = "faces.csv";
    recipe_.data.unit = "sequence";
    recipe_.data.val_split = "train";
    recipe_.training.init = "tiny";
    recipe_.training.contexts.tokens = 4;
    recipe_.training.batch = 8;
    recipe_.training.frames = 4;
    context_.data = dir_.path();
    context_.cache = dir_ / "cache";
  }

  std::unique_ptr<CoopMethod> make() {
    auto made = make_run<CoopMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  test::TempDir dir_;
  CoopRecipe recipe_;
  MethodContext context_;
};

TEST_F(CoopTest, OnlyContextsAndPoolTrain) {
  for (const bool shared : {true, false}) {
    recipe_.training.contexts.shared = shared;
    const auto method = make();
    EXPECT_EQ(method->contexts().vectors().sizes(), (at::IntArrayRef{shared ? 1 : 4, 4, 64}));
    const auto groups = method->begin_stage(0);
    ASSERT_EQ(groups.size(), 2U);
    EXPECT_EQ(groups[0].lr_factor, 1);
    EXPECT_EQ(groups[1].lr_factor, 10);
    EXPECT_EQ(groups[0].parameters.size() + groups[1].parameters.size(), method->state().size());
    for (const auto& list : {method->towers().image_tensors(), method->towers().text_tensors()}) {
      for (const auto& [name, tensor] : list) EXPECT_FALSE(tensor.requires_grad()) << name;
    }
  }
}

TEST_F(CoopTest, LearnsClassesWithMeaninglessNames) {
  recipe_.training.contexts.shared = false;
  const auto method = make();
  const auto war = [&] {
    const at::NoGradGuard no_grad;
    const auto figures = method->validate(0, 0);
    EXPECT_TRUE(figures.ok()) << figures.status().message();
    return std::map<std::string, double>(figures->begin(), figures->end()).at("war");
  };
  const double first = run_plain_steps(*method, 0, 1, 3e-3).loss.item<double>();
  const double last = run_plain_steps(*method, 0, 25, 3e-3).loss.item<double>();
  EXPECT_LT(last, 0.6 * first);
  EXPECT_GT(war(), 70);
}

TEST_F(CoopTest, TheEngineScoresAsTraining) {
  const auto method = make();
  run_plain_steps(*method, 0, 3, 1e-2);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "bundle", false));
  const auto bundle = engine::Bundle::load(dir_ / "bundle");
  MIEN_ASSERT_OK(bundle.status());
  const engine::BundleInfo& info = (*bundle)->info();
  EXPECT_EQ(info.method, "coop");
  EXPECT_EQ(std::get<engine::AttentionPoolSizes>(*info.architecture.temporal).hidden, 32);
  ASSERT_EQ(info.learned.size(), 4U);
  EXPECT_THAT(info.labels[0].texts[0], StartsWith("angry (and 4 learned tokens"));
  EXPECT_TRUE(info.unknown.threshold.has_value());
  const at::NoGradGuard no_grad;
  const auto logits = method->validation_logits();
  MIEN_ASSERT_OK(logits.status());
  expect_engine_scores(dir_.path(), **bundle, 4, *logits);
}

TEST_F(CoopTest, BadOptions) {
  recipe_.training.init = "";
  EXPECT_THAT(test::problem_of(make_run<CoopMethod>(recipe_, context_)), HasSubstr("coop.init"));
  recipe_.training.init = "tiny";
  recipe_.training.contexts.tokens = 500;
  EXPECT_THAT(test::problem_of(make_run<CoopMethod>(recipe_, context_)),
              HasSubstr("learned tokens"));
}

}  // namespace
}  // namespace mien::methods
