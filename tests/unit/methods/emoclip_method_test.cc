#include "mien/methods/emoclip_method.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>
#include <map>

#include "mien/core/file.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/engine/tiny_bundle.h"
#include "mien/image/decode.h"
#include "support/test_support.h"
#include "unit/methods/coloured_clips.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

MethodContext context_of(const test::TempDir& dir) {
  MethodContext out;
  out.data = dir.path();
  out.cache = dir / "cache";
  return out;
}

// Plain Adam on what the method says; the trainer has tests of its own.
void optimise(Method& method, int epochs, double lr) {
  const auto groups = method.begin_stage(0);
  std::map<std::string, std::pair<torch::Tensor, torch::Tensor>> moments;
  int steps = 0;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    MIEN_ASSERT_OK(method.begin_epoch(0, epoch, 0));
    for (std::int64_t s = 0; s < method.steps_per_epoch(0); ++s) {
      const auto output = method.step();
      MIEN_ASSERT_OK(output);
      output->loss.backward();
      const at::NoGradGuard no_grad;
      ++steps;
      for (const auto& group : groups) {
        for (const auto& [name, tensor] : group.parameters) {
          if (!tensor.grad().defined()) continue;
          auto& [m, v] = moments[name];
          if (!m.defined()) {
            m = at::zeros_like(tensor);
            v = at::zeros_like(tensor);
          }
          m.mul_(0.9).add_(tensor.grad(), 0.1);
          v.mul_(0.99).addcmul_(tensor.grad(), tensor.grad(), 0.01);
          tensor.addcdiv_(m / (1 - std::pow(0.9, steps)),
                          (v / (1 - std::pow(0.99, steps))).sqrt().add_(1e-8), -lr);
          tensor.grad().zero_();
        }
      }
    }
  }
}

// 32 clips with captions reach full retrieval both ways, through the bundle and the plain engine.
TEST(EmoclipMethod, OverfitsCaptionsToFullRetrieval) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 4, true);
  EmoclipRecipe options = small_recipe();
  options.training.batch = 32;
  auto method = options.make(context_of(dir));
  ASSERT_TRUE(method.ok()) << method.status().message();
  optimise(**method, 600, 3e-3);
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  engine::Session session;
  std::vector<std::string> captions;
  for (int c = 0; c < 32; ++c) {
    captions.push_back("clip number " + std::to_string(c) + " of the set");
  }
  const auto texts = engine::encode_texts(**bundle, captions, session);
  ASSERT_TRUE(texts.ok());
  const auto images = (*bundle)->image_encoder();
  const auto temporal = (*bundle)->temporal_encoder();
  ASSERT_TRUE(images.ok() && temporal.ok() && *temporal != nullptr);
  std::vector<float> videos;
  for (int c = 0; c < 32; ++c) {
    std::vector<float> pixels(3 * 768), rows(3 * 32), clip(32);
    for (int f = 0; f < 3; ++f) {
      const auto picture =
          image::load(dir / ("faces/" + std::to_string(c) + "_" + std::to_string(f) + ".png"));
      ASSERT_TRUE(picture.ok());
      MIEN_ASSERT_OK(
          image::preprocess(*picture, (*bundle)->info().preprocess,
                            std::span(pixels).subspan(static_cast<std::size_t>(f) * 768, 768)));
    }
    MIEN_ASSERT_OK((*images)->encode(pixels.data(), 3, rows.data(), session));
    MIEN_ASSERT_OK((*temporal)->encode(rows.data(), 1, 3, clip.data(), session));
    videos.insert(videos.end(), clip.begin(), clip.end());
  }
  torch::Tensor v = torch::from_blob(videos.data(), {32, 32}).clone();
  v = v / v.norm(2, 1, true);
  const auto t = torch::from_blob(const_cast<float*>(texts->f32().data()), {32, 32});
  const torch::Tensor similar = at::matmul(v, t.t());
  const torch::Tensor own = torch::arange(32);
  EXPECT_EQ(similar.argmax(1).eq(own).sum().item<int>(), 32);
  EXPECT_EQ(similar.argmax(0).eq(own).sum().item<int>(), 32);
}

TEST(EmoclipMethod, SupervisedVariantsLearnTheClasses) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 4, false);
  for (const std::string variant : {"literal", "same_text", "classes"}) {
    EmoclipRecipe options = small_recipe();
    options.training.texts = "classes";
    if (variant == "same_text") options.training.positives = variant;
    if (variant == "classes") options.training.objective = variant;
    auto method = options.make(context_of(dir));
    ASSERT_TRUE(method.ok()) << method.status().message();
    optimise(**method, 120, 3e-3);
    const at::NoGradGuard no_grad;
    const auto values = (*method)->validate(0, 0);
    ASSERT_TRUE(values.ok()) << values.status().message();
    EXPECT_EQ((*values)[0].first, "war");
    EXPECT_GT((*values)[0].second, 90) << variant;
  }
}

// With frozen towers the cache gives the embeddings that the pixels would.
TEST(EmoclipMethod, CachedEmbeddingsGiveTheSameLoss) {
  const test::TempDir dir;
  write_clips(dir.path(), 12, 5, true);
  ASSERT_TRUE(engine::write_tiny_bundle(dir / "tiny").ok());
  EmoclipRecipe options = small_recipe();
  options.model.init = "tiny";  // below the data folder
  options.model.trains = "temporal";
  std::vector<double> losses;
  for (const bool cache : {true, false}) {
    options.training.cache = cache;
    auto method = options.make(context_of(dir));
    ASSERT_TRUE(method.ok()) << method.status().message();
    const auto groups = (*method)->begin_stage(0);
    EXPECT_EQ(groups.size(), 1u);
    MIEN_ASSERT_OK((*method)->begin_epoch(0, 0, 0));
    const auto output = (*method)->step();
    ASSERT_TRUE(output.ok()) << output.status().message();
    losses.push_back(output->loss.item<double>());
    for (const auto& [name, tensor] : (*method)->state()) {
      EXPECT_TRUE(name == "logit_scale" || name.starts_with("temporal.")) << name;
    }
  }
  EXPECT_NEAR(losses[0], losses[1], 1e-5);
}

TEST(EmoclipMethod, AResumedEpochSeesTheSameBatches) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 4, true);
  EmoclipRecipe options = small_recipe();
  options.training.augment = data::AugmentOptions::emoclip();
  const auto ids = [&](std::int64_t first, std::vector<double>& losses) {
    auto method = options.make(context_of(dir));
    EXPECT_TRUE(method.ok());
    (*method)->begin_stage(0);
    EXPECT_TRUE((*method)->begin_epoch(0, 3, first).ok());
    std::vector<std::string> out;
    for (std::int64_t s = first; s < (*method)->steps_per_epoch(0); ++s) {
      const auto output = (*method)->step();
      EXPECT_TRUE(output.ok());
      out.insert(out.end(), output->ids.begin(), output->ids.end());
      losses.push_back(output->loss.item<double>());
    }
    return out;
  };
  std::vector<double> all_losses, last_losses;
  const auto all = ids(0, all_losses), last = ids(2, last_losses);
  ASSERT_EQ(all.size(), 32u);
  EXPECT_EQ(last, std::vector<std::string>(all.begin() + 16, all.end()));
  EXPECT_EQ(last_losses[0], all_losses[2]);
}

TEST(EmoclipMethod, LeaveOneOutTrainsWithoutTheClass) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 3, false);
  EmoclipRecipe options = small_recipe();
  options.training.texts = "classes";
  options.data.leave_out = "happy";
  auto method = options.make(context_of(dir));
  ASSERT_TRUE(method.ok()) << method.status().message();
  EXPECT_EQ((*method)->steps_per_epoch(0), 3);  // 24 of 32 clips
  (*method)->begin_stage(0);
  const at::NoGradGuard no_grad;
  const auto values = (*method)->validate(0, 0);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ((*values)[0].second, (*values)[1].second);  // recall of one class
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  ASSERT_TRUE(bundle.ok());
  EXPECT_EQ((*bundle)->info().labels.size(), 4u);
  EXPECT_EQ((*bundle)->info().provenance.find("left_out")->as_string(), "happy");
}

TEST(EmoclipMethod, RegressionLearnsTargets) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 3, false);
  for (const std::string head : {"mlp", "linear"}) {
    EmoclipRecipe options = small_recipe();
    options.training.objective = "regression";
    options.training.head = head;
    options.data.targets = {"score"};
    auto method = options.make(context_of(dir));
    ASSERT_TRUE(method.ok()) << method.status().message();
    EXPECT_EQ((*method)->selects_by(), "ccc");
    optimise(**method, 60, 3e-3);
    const at::NoGradGuard no_grad;
    const auto values = (*method)->validate(0, 0);
    ASSERT_TRUE(values.ok()) << values.status().message();
    const std::map<std::string, double> figures(values->begin(), values->end());
    EXPECT_GT(figures.at("ccc_score"), 0.8) << head;
    EXPECT_GT(figures.at("pcc"), 0.8) << head;
    EXPECT_LT(figures.at("mae"), 0.6) << head;
    EXPECT_EQ(test::code_of((*method)->export_bundle(dir / "b", true)), StatusCode::kUnsupported);
  }
}

TEST(EmoclipMethod, UnreadablePicturesAreCountedAndLimited) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 3, true);
  for (const int c : {3, 9}) {
    for (int f = 0; f < 3; ++f) {
      std::filesystem::resize_file(
          dir / ("faces/" + std::to_string(c) + "_" + std::to_string(f) + ".png"), 30);
    }
  }
  EmoclipRecipe options = small_recipe();
  auto method = options.make(context_of(dir));
  ASSERT_TRUE(method.ok());
  (*method)->begin_stage(0);
  MIEN_ASSERT_OK((*method)->begin_epoch(0, 0, 0));
  double unreadable = 0;
  for (int s = 0; s < 4; ++s) {
    const auto output = (*method)->step();
    ASSERT_TRUE(output.ok()) << output.status().message();
    for (const auto& [name, value] : output->values) {
      if (name == "unreadable") unreadable = value;
    }
  }
  EXPECT_EQ(unreadable, 2);
  options.data.max_bad_share = 0.01;
  auto strict = options.make(context_of(dir));
  ASSERT_TRUE(strict.ok());
  (*strict)->begin_stage(0);
  MIEN_ASSERT_OK((*strict)->begin_epoch(0, 0, 0));
  Status problem;
  for (int s = 0; s < 4 && problem.ok(); ++s) problem = (*strict)->step().status();
  EXPECT_THAT(test::problem_of(problem), HasSubstr("of the samples are unreadable"));
  EXPECT_THAT(test::problem_of(problem), HasSubstr(".png"));
}

TEST(EmoclipMethod, BadRecipes) {
  const test::TempDir dir;
  write_clips(dir.path(), 8, 2, false);
  const auto problem = [&](auto change) {
    EmoclipRecipe options = small_recipe();
    change(options);
    return test::problem_of(options.make(context_of(dir)));
  };
  EXPECT_THAT(problem([](auto&) {}), HasSubstr("no training sample has a caption"));
  EXPECT_THAT(problem([](auto& r) { r.data.train = ""; }), HasSubstr("data.train: is empty"));
  EXPECT_THAT(problem([](auto& r) { r.data.train = "no.csv"; }), HasSubstr("no.csv"));
  EXPECT_THAT(problem([](auto& r) { r.training.objective = "regression"; }),
              HasSubstr("data.targets: is empty"));
  EXPECT_THAT(problem([](auto& r) { r.training.objective = "classes"; }),
              HasSubstr("expects 'classes'"));
  EXPECT_THAT(problem([](auto& r) { r.training.local_chunks = 3; }), HasSubstr("does not divide"));
  EXPECT_THAT(problem([](auto& r) {
                r.training.texts = "classes";
                r.data.classes = {"angry", "happy", "sad"};
              }),
              HasSubstr("surprise"));
  EXPECT_THAT(test::problem_of(make_recipe("emoklip")), HasSubstr("expected one of emoclip"));
}

}  // namespace
}  // namespace mien::methods
