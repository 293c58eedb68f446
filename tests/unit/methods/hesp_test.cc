#include "mien/methods/hesp.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <map>

#include "methods/hesp_run.h"
#include "mien/core/file.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/engine/tiny_bundle.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;
using Values = std::map<std::string, torch::Tensor>;

// --- where the patch goes ---

torch::Tensor map_of(std::initializer_list<std::pair<int, int>> hot) {
  torch::Tensor out = torch::zeros({7, 7});
  for (const auto& [row, col] : hot) out[row][col] = 1.0;
  return out;
}

TEST(ExpressionPlace, OneCellGivesItsCentre) {
  // Cell (3, 3) of 7 covers pixels 96 to 127 of 224; 201 of 255 cuts it evenly.
  EXPECT_EQ(expression_place(map_of({{3, 3}}), 224, 56), (PromptPlace{111, 111}));
}

TEST(ExpressionPlace, TheLargestPartCounts) {
  // Two touching corners are one part of 8-connected cells, larger than the single cell.
  const PromptPlace place = expression_place(map_of({{1, 1}, {1, 2}, {5, 5}}), 224, 56);
  EXPECT_EQ(place.row, 47);
  EXPECT_EQ(place.col, 63);
}

TEST(ExpressionPlace, StaysInsideThePicture) {
  EXPECT_EQ(expression_place(map_of({{0, 0}}), 224, 56), (PromptPlace{28, 28}));
  EXPECT_EQ(expression_place(map_of({{6, 6}}), 224, 56), (PromptPlace{195, 195}));
  EXPECT_EQ(expression_place(map_of({{0, 6}}), 48, 12), (PromptPlace{6, 41}));
}

TEST(ExpressionPlace, NegativeValuesAndFlatMaps) {
  EXPECT_EQ(expression_place(map_of({{2, 4}}) * 3 - 7, 224, 56),
            expression_place(map_of({{2, 4}}), 224, 56));
  EXPECT_EQ(expression_place(torch::full({7, 7}, 3.0), 224, 56), (PromptPlace{112, 112}));
}

// --- training ---

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
    auto made = HespMethod::make(recipe_, context_);
    EXPECT_TRUE(made.ok()) << made.status().message();
    return std::unique_ptr<HespMethod>(static_cast<HespMethod*>(made->release()));
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

  Status problem() { return HespMethod::make(recipe_, context_).status(); }

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

TEST_F(HespTest, TrainingLearnsTheKnownAndTellsFigures) {
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

TEST_F(HespTest, ThePatchOfAClipLiesWhereItsFirstFrameSays) {
  recipe_.training.mask = "per_clip";
  const auto method = make();
  run(*method, 0, 0.01);
  EXPECT_FALSE(of(*method, "patch").equal(torch::zeros({3, 8, 8})));
  const Status exported = method->export_bundle(dir_ / "out", false);
  EXPECT_EQ(exported.code(), StatusCode::kUnsupported);
  EXPECT_THAT(exported.message(), HasSubstr("hesp.mask"));
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
  const auto loaded = engine::Bundle::load(dir_ / "out");
  MIEN_ASSERT_OK(loaded.status());
  const engine::Bundle& bundle = **loaded;
  EXPECT_EQ(bundle.info().method, "hesp");
  EXPECT_EQ(bundle.info().unknown.kind, engine::UnknownRule::Kind::kMeanProbability);
  ASSERT_TRUE(bundle.info().unknown.threshold);
  MIEN_ASSERT_OK(bundle.verify_hashes());

  const at::NoGradGuard no_grad;
  const std::int64_t side = method->model().side();
  const torch::Tensor frames = torch::rand({1, 3, 3, side, side});
  HespModel& model = method->model();
  const torch::Tensor wanted =
      model.scores(model.features(frames, {}), model.texts(), model.points()).joint()[0];
  // As a bundle preprocesses: normalised, the patch comes in the tower.
  const auto scale = scale_of(bundle.info().preprocess);
  torch::Tensor pixels = frames[0].clone();
  for (int c = 0; c < 3; ++c) {
    pixels.select(1, c)
        .sub_(scale.mean[static_cast<std::size_t>(c)])
        .div_(scale.std[static_cast<std::size_t>(c)]);
  }
  engine::Session session;
  const auto encoder = bundle.image_encoder();
  MIEN_ASSERT_OK(encoder.status());
  std::vector<float> rows(static_cast<std::size_t>(3 * bundle.info().architecture.embed));
  MIEN_ASSERT_OK(
      (*encoder)->encode(pixels.contiguous().data_ptr<float>(), 3, rows.data(), session));
  const auto reader = engine::ClipReader::make(bundle);
  MIEN_ASSERT_OK(reader.status());
  const auto reading =
      reader->read({.frames = {0, 1, 2}, .windows = {{0, 1, 2}}}, rows.data(), session);
  MIEN_ASSERT_OK(reading.status());
  const auto scorer =
      engine::LabelScorer::make(bundle, {.name = "", .labels = bundle.info().labels}, {}, session);
  MIEN_ASSERT_OK(scorer.status());
  const engine::Scores said = (*scorer)->score(reading->embedding, reading->length);
  ASSERT_EQ(said.logits.size(), 3U);
  for (std::int64_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(said.logits[static_cast<std::size_t>(c)], wanted[c].item<double>(), 2e-3);
  }
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
