#include "methods/hesp/options.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <functional>
#include <map>
#include <set>
#include <utility>

#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "methods/hesp/train.h"
#include "metrics/open_set.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;
using Values = std::map<std::string, torch::Tensor>;

class HespTest : public testing::Test {
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
    recipe_.training.patch = 8;
    recipe_.training.contexts = 4;
    recipe_.training.batch = 8;
    context_.data = dir_.path();
  }

  std::unique_ptr<HespMethod> make() {
    auto made = make_run<HespMethod>(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::move(*made);
  }

  static Values towers_of(const HespMethod& method) {
    Values out;
    for (const auto& list : {method.towers().image_tensors(), method.towers().text_tensors()}) {
      for (const auto& [name, tensor] : list) out[name] = tensor.detach().clone();
    }
    return out;
  }

  // An epoch of plain gradient steps.
  static double run(HespMethod& method, int epoch, double lr) {
    const auto groups = method.begin_stage(0);
    EXPECT_TRUE(method.begin_epoch(0, epoch, 0).ok());
    double loss = 0;
    for (std::int64_t s = 0; s < method.steps_per_epoch(0); ++s) {
      const auto output = method.step();
      EXPECT_TRUE(output.ok()) << output.status().message();
      loss = output->loss.item<double>();
      output->loss.backward();
      const at::NoGradGuard no_grad;
      method.before_update();
      for (const auto& group : groups) {
        for (const auto& [name, tensor] : group.parameters) {
          if (!tensor.grad().defined()) continue;
          torch::Tensor(tensor).add_(tensor.grad(), -lr * group.lr_factor);
          tensor.mutable_grad() = torch::Tensor();
        }
      }
    }
    return loss;
  }

  static torch::Tensor of(HespMethod& method, const std::string& wanted) {
    for (const auto& [name, tensor] : method.state()) {
      if (name == wanted) return tensor.detach().clone();
    }
    return {};
  }

  using PlacesOf = std::function<std::vector<PromptPlace>(const torch::Tensor&)>;

  // Five random clips of three frames, by the model and by its bundle.
  static void expect_scores_as_training(HespMethod& method, const engine::Bundle& bundle,
                                        const PlacesOf& places_of) {
    const at::NoGradGuard no_grad;
    const auto encoder = bundle.image_encoder();
    MIEN_ASSERT_OK(encoder.status());
    const auto reader = engine::ClipReader::make(bundle);
    MIEN_ASSERT_OK(reader.status());
    engine::Session session;
    const auto scorer = engine::LabelScorer::make(
        bundle, {.name = "", .labels = bundle.info().labels}, {}, session);
    MIEN_ASSERT_OK(scorer.status());
    HespModel& model = method.model();
    const std::int64_t side = model.side();
    const auto scale = scale_of(bundle.info().preprocess);
    std::set<std::pair<std::int64_t, std::int64_t>> corners;
    for (int clip = 0; clip < 5; ++clip) {
      const torch::Tensor frames = torch::rand({1, 3, 3, side, side});
      const auto places = places_of ? places_of(frames[0][0]) : std::vector<PromptPlace>();
      const torch::Tensor wanted =
          model.scores(model.features(frames, places), model.texts(), model.points()).joint()[0];
      // As a bundle preprocesses: normalised, the patch comes in the tower.
      torch::Tensor pixels = frames[0].clone();
      for (int c = 0; c < 3; ++c) {
        pixels.select(1, c)
            .sub_(scale.mean[static_cast<std::size_t>(c)])
            .div_(scale.std[static_cast<std::size_t>(c)]);
      }
      pixels = pixels.contiguous();
      std::vector<engine::PromptPlace> said;
      EXPECT_EQ((*encoder)->places_patches(), !places.empty());
      if (!places.empty()) {
        auto first = (*encoder)->places(pixels.data_ptr<float>(), 1, session);
        MIEN_ASSERT_OK(first.status());
        EXPECT_EQ(first->front().row, places[0].row - model.patch_size() / 2);
        EXPECT_EQ(first->front().col, places[0].col - model.patch_size() / 2);
        said.assign(3, first->front());
        corners.emplace(said[0].row, said[0].col);
      }
      std::vector<float> rows(static_cast<std::size_t>(3 * bundle.info().architecture.embed));
      MIEN_ASSERT_OK((*encoder)->encode(pixels.data_ptr<float>(), 3, rows.data(), session, said));
      const auto reading =
          reader->read({.frames = {0, 1, 2}, .windows = {{0, 1, 2}}}, rows.data(), session);
      MIEN_ASSERT_OK(reading.status());
      const engine::Scores scores = (*scorer)->score(reading->embedding, reading->length);
      ASSERT_EQ(scores.logits.size(), 3U);
      for (std::int64_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(scores.logits[static_cast<std::size_t>(c)], wanted[c].item<double>(), 2e-3);
      }
    }
    if (!places_of) return;
    EXPECT_GT(corners.size(), 1U);  // or the test would tell nothing
  }

  Status problem() { return make_run<HespMethod>(recipe_, context_).status(); }

  test::TempDir dir_;
  HespRecipe recipe_;
  MethodContext context_;
};

TEST_F(HespTest, TowersStayBitForBit) {
  const auto method = make();
  const Values before = towers_of(*method);
  const torch::Tensor contexts = of(*method, "contexts"), patch = of(*method, "patch");
  run(*method, 0, 0.01);
  for (const auto& [name, tensor] : towers_of(*method)) {
    EXPECT_TRUE(tensor.equal(before.at(name))) << name;
  }
  EXPECT_EQ(contexts.sizes(), (at::IntArrayRef{3, 4, 64}));
  EXPECT_FALSE(contexts.equal(of(*method, "contexts")));
  EXPECT_FALSE(patch.equal(of(*method, "patch")));
}

TEST_F(HespTest, StepsOfNegativesAndPatchHaveTheirLength) {
  recipe_.training.step = 3;
  recipe_.training.batch = 100;  // one step in an epoch, smaller than the batch
  const auto method = make();
  EXPECT_EQ(method->steps_per_epoch(0), 1);
  const torch::Tensor negatives = of(*method, "negatives");
  run(*method, 0, 0);
  EXPECT_NEAR(of(*method, "patch").norm().item<double>(), 3, 1e-3);
  // Every negative moves in the same direction.
  const torch::Tensor moved = of(*method, "negatives") - negatives;
  for (int c = 0; c < 3; ++c) {
    EXPECT_NEAR(moved[c].norm().item<double>(), 3, 1e-3);
    EXPECT_LT((moved[c] - moved[0]).abs().max().item<double>(), 1e-5);
  }
}

TEST_F(HespTest, AsReleasedContextsOnlyDecay) {
  recipe_.training.train_text_ctx = false;
  const auto method = make();
  const torch::Tensor contexts = of(*method, "contexts");
  run(*method, 0, 0.5);  // plain steps without decay
  EXPECT_TRUE(contexts.equal(of(*method, "contexts")));
}

TEST_F(HespTest, TrainingLearnsTheKnownAndReportsFigures) {
  recipe_.training.step = 1;
  recipe_.training.augment = false;
  const auto method = make();
  const double first = run(*method, 0, 0.02);
  double last = first;
  for (int epoch = 1; epoch < 12; ++epoch) last = run(*method, epoch, 0.02);
  EXPECT_LT(last, 0.85 * first);
  const auto figures = method->validate(0, 0);
  MIEN_ASSERT_OK(figures.status());
  std::map<std::string, double> values(figures->begin(), figures->end());
  EXPECT_GT(values.at("war"), 60);
  for (const char* name : {"uar", "auroc", "oscr", "oscr_code", "tnr95"}) {
    EXPECT_GE(values.at(name), 0) << name;
    EXPECT_LE(values.at(name), 100) << name;
  }
  EXPECT_LE(values.at("oscr"), values.at("war") + 1e-9);
  EXPECT_NEAR(values.at("auroc_oscr"), values.at("auroc") + values.at("oscr_code"), 1e-9);
}

TEST_F(HespTest, AblationsTrain) {
  for (const char* off : {"text", "visual", "negatives"}) {
    recipe_.training.text_prompt = std::string(off) != "text";
    recipe_.training.visual_prompt = std::string(off) != "visual";
    recipe_.training.negatives = std::string(off) != "negatives";
    const auto method = make();
    EXPECT_TRUE(std::isfinite(run(*method, 0, 0.01))) << off;
    MIEN_ASSERT_OK(method->export_bundle(dir_ / off, false));
    MIEN_ASSERT_OK(engine::Bundle::load(dir_ / off).status());
  }
}

TEST_F(HespTest, TheEngineScoresAsTraining) {
  const auto method = make();
  run(*method, 0, 0.01);
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "out", false));
  const auto bundle = engine::Bundle::load(dir_ / "out");
  MIEN_ASSERT_OK(bundle.status());
  EXPECT_EQ((*bundle)->info().method, "hesp");
  EXPECT_EQ((*bundle)->info().unknown.kind, engine::UnknownRule::Kind::kMeanProbability);
  ASSERT_TRUE((*bundle)->info().unknown.threshold);
  MIEN_ASSERT_OK((*bundle)->verify_hashes());
  expect_scores_as_training(*method, **bundle, {});
}

TEST_F(HespTest, TheFirstFrameDecidesThePatchPositionOfAClip) {
  recipe_.training.mask = "per_clip";
  const auto method = make();
  run(*method, 0, 0.01);
  EXPECT_FALSE(of(*method, "patch").equal(torch::zeros({3, 8, 8})));
  MIEN_ASSERT_OK(method->export_bundle(dir_ / "out", false));
  const auto bundle = engine::Bundle::load(dir_ / "out");
  MIEN_ASSERT_OK(bundle.status());
  ASSERT_TRUE((*bundle)->info().architecture.prompt);
  EXPECT_EQ((*bundle)->info().architecture.prompt->labels, 3);
  MIEN_ASSERT_OK((*bundle)->verify_hashes());
  expect_scores_as_training(*method, **bundle, [&](const torch::Tensor& first) {
    return std::vector{method->model().place_for(first)};
  });
}

TEST_F(HespTest, NamesFollowTheirClassesUnlessAsReleased) {
  recipe_.data.classes = {"surprise", "sad", "happy", "angry"};
  recipe_.training.text_prompt = false;
  const auto aligned = make();  // Surprise, Happy, Angry
  recipe_.training.names = "alphabetical";
  const auto sorted = make();  // Angry, Happy, Surprise
  const torch::Tensor a = aligned->model().texts(), s = sorted->model().texts();
  EXPECT_TRUE(a[0].equal(s[2]));
  EXPECT_TRUE(a[1].equal(s[1]));
  EXPECT_FALSE(a[0].equal(s[0]));
}

TEST_F(HespTest, BadOptions) {
  recipe_.training.known = {"angry", "bored"};
  EXPECT_THAT(problem().message(), HasSubstr("bored"));
  recipe_.training.known = {"angry"};
  EXPECT_THAT(problem().message(), HasSubstr("at least 2"));
  recipe_.training.known = {};
  recipe_.training.split = "afew:21";
  EXPECT_THAT(problem().message(), HasSubstr("1 to 20"));
  recipe_.training.split = "nosuch:1";
  EXPECT_THAT(problem().message(), HasSubstr("afew"));
  recipe_.training.split = "";
  recipe_.training.patch = 400;
  EXPECT_THAT(problem().message(), HasSubstr("hesp.patch"));
  recipe_.training.patch = 8;
  recipe_.training.init = "";
  EXPECT_THAT(problem().message(), HasSubstr("hesp.init"));
}

}  // namespace
}  // namespace mien::methods
