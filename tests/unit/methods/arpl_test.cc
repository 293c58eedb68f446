#include "methods/arpl/options.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "engine/tiny_bundle.h"
#include "methods/arpl/train.h"
#include "metrics/open_set.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

class ArplTest : public testing::Test {
 protected:
  void SetUp() override {
    write_clips(dir_.path(), 24, 4, false);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    recipe_.data.train = "faces.csv";
    recipe_.data.unit = "sequence";
    recipe_.data.val_split = "train";
    recipe_.training.init = "tiny";
    recipe_.training.known = {"surprise", "happy", "angry"};
    recipe_.training.frames = 3;
    recipe_.training.batch = 8;
    context_.data = dir_.path();
    context_.cache = dir_ / "cache";
  }

  std::unique_ptr<ArplMethod> make() {
    auto made = make_run<ArplMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  // Epochs of plain gradient steps; the last loss.
  static double run(ArplMethod& method, int epochs, double lr) {
    const auto groups = method.begin_stage(0);
    double loss = 0;
    for (int epoch = 0; epoch < epochs; ++epoch) {
      EXPECT_TRUE(method.begin_epoch(0, epoch, 0).ok());
      for (std::int64_t s = 0; s < method.steps_per_epoch(0); ++s) {
        const auto output = method.step();
        EXPECT_TRUE(output.ok()) << output.status().message();
        loss = output->loss.item<double>();
        output->loss.backward();
        const at::NoGradGuard no_grad;
        for (const auto& [name, tensor] : groups.front().parameters) {
          if (!tensor.grad().defined()) continue;
          torch::Tensor(tensor).add_(tensor.grad(), -lr);
          tensor.mutable_grad() = torch::Tensor();
        }
      }
    }
    return loss;
  }

  static torch::Tensor of(ArplMethod& method, const std::string& wanted) {
    for (const auto& [name, tensor] : method.state()) {
      if (name == wanted) return tensor.detach().clone();
    }
    return {};
  }

  test::TempDir dir_;
  ArplRecipe recipe_;
  MethodContext context_;
};

TEST_F(ArplTest, StartsAsPublished) {
  const auto method = make();
  const torch::Tensor adapter = of(*method, "adapter");
  EXPECT_TRUE(adapter.equal(torch::eye(adapter.size(0))));
  EXPECT_EQ(of(*method, "radius").item<float>(), 0);
  EXPECT_NEAR(of(*method, "points").std().item<double>(), 0.1, 0.03);
}

TEST_F(ArplTest, ScoresAreDistancesFromThePoints) {
  const auto method = make();
  const torch::Tensor points = of(*method, "points");
  const torch::Tensor rows = torch::randn({2, 3, points.size(1)});
  const torch::Tensor said = method->scores(rows);
  for (std::int64_t n = 0; n < 2; ++n) {
    const torch::Tensor f = rows[n].mean(0);
    for (std::int64_t k = 0; k < 3; ++k) {
      const double wanted =
          ((f - points[k]).square().mean() - at::dot(f, points[k])).item<double>();
      EXPECT_NEAR(said[n][k].item<double>(), wanted, 1e-4);
    }
  }
}

TEST_F(ArplTest, LearnsTheKnownAndReportsFigures) {
  const auto method = make();
  const double first = run(*method, 1, 0.05);
  const double last = run(*method, 40, 0.05);
  EXPECT_LT(last, 0.7 * first);
  const auto figures = method->validate(0, 0);
  MIEN_ASSERT_OK(figures.status());
  const std::map<std::string, double> values(figures->begin(), figures->end());
  EXPECT_GT(values.at("war"), 70);
  EXPECT_GE(values.at("auroc"), 0);
}

TEST_F(ArplTest, TheEngineScoresAsTraining) {
  for (const char* lengths : {"own", "matched"}) {
    recipe_.training.lengths = lengths;
    const auto method = make();
    run(*method, 5, 0.05);
    const auto out = dir_ / lengths;
    MIEN_ASSERT_OK(method->export_bundle(out, false));
    const auto bundle = engine::Bundle::load(out);
    MIEN_ASSERT_OK(bundle.status());
    EXPECT_EQ((*bundle)->info().method, "arpl");
    EXPECT_EQ((*bundle)->info().unknown.kind, engine::UnknownRule::Kind::kMaxLogit);
    const auto width = static_cast<std::size_t>((*bundle)->info().architecture.embed);
    const torch::Tensor rows = 3 * torch::randn({1, 3, static_cast<std::int64_t>(width)});
    const torch::Tensor wanted = method->scores(rows)[0].contiguous();
    engine::Session session;
    const auto reader = engine::ClipReader::make(**bundle);
    MIEN_ASSERT_OK(reader.status());
    const auto reading = reader->read({.frames = {0, 1, 2}, .windows = {{0, 1, 2}}},
                                      rows.data_ptr<float>(), session);
    MIEN_ASSERT_OK(reading.status());
    const auto scorer = engine::LabelScorer::make(
        **bundle, {.name = "", .labels = (*bundle)->info().labels}, {}, session);
    MIEN_ASSERT_OK(scorer.status());
    const engine::Scores said = (*scorer)->score(reading->embedding, reading->length);
    ASSERT_EQ(said.logits.size(), 3U);
    double best = said.logits.front();
    for (std::int64_t c = 0; c < 3; ++c) {
      const double logit = said.logits[static_cast<std::size_t>(c)];
      EXPECT_NEAR(logit, wanted[c].item<double>(), 2e-3 * (1 + std::abs(logit))) << lengths;
      best = std::max(best, logit);
    }
    EXPECT_EQ(said.unknown, best < *(*bundle)->info().unknown.threshold) << lengths;
  }
}

TEST_F(ArplTest, BadOptions) {
  recipe_.training.known = {"angry", "bored"};
  EXPECT_THAT(make_run<ArplMethod>(recipe_, context_).status().message(), HasSubstr("bored"));
  recipe_.training.init = "";
  EXPECT_THAT(make_run<ArplMethod>(recipe_, context_).status().message(), HasSubstr("arpl.init"));
}

TEST(ReleasedThreshold, IsTheElementInFallingOrder) {
  const torch::Tensor scores = at::arange(100, torch::kFloat64);
  EXPECT_EQ(released_threshold(scores, 0.95), 4);  // indices 0 to 99 hold 99 to 0
  EXPECT_EQ(released_threshold(scores, 1), 0);
}

}  // namespace
}  // namespace mien::methods
