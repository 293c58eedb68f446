#include "methods/emoclip/train.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>
#include <map>

#include "core/file.h"
#include "engine/tiny_bundle.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/metrics/regression.h"
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

// The values of clips of three pictures through bundle and engine.
std::vector<double> engine_values(const engine::Bundle& bundle, const std::filesystem::path& dir,
                                  int clips) {
  const auto images = bundle.image_encoder();
  const auto reader = engine::ClipReader::make(bundle);
  EXPECT_TRUE(images.ok() && reader.ok());
  engine::Session session;
  std::vector<double> out;
  for (int c = 0; c < clips; ++c) {
    const auto plan = reader->plan(3);
    std::vector<float> rows;
    for (const std::int64_t f : plan->frames) {
      const auto picture =
          image::load(dir / ("faces/" + std::to_string(c) + "_" + std::to_string(f) + ".png"));
      std::vector<float> pixels(768), row(32);
      EXPECT_TRUE(image::preprocess(*picture, bundle.info().preprocess, pixels).ok());
      EXPECT_TRUE((*images)->encode(pixels.data(), 1, row.data(), session).ok());
      rows.insert(rows.end(), row.begin(), row.end());
    }
    const auto reading = reader->read(*plan, rows.data(), session);
    EXPECT_TRUE(reading.ok());
    out.push_back(static_cast<double>(reading->values.at(0)));
  }
  return out;
}

// 32 clips with captions reach full retrieval both ways, through the bundle and the plain engine.
TEST(EmoclipMethod, OverfitsCaptionsToFullRetrieval) {
  const test::TempDir dir;
  write_clips(dir.path(), 32, 4, true);
  EmoclipRecipe options = small_recipe();
  options.training.batch = 32;
  auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
    auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
    auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
  options.training.augment = data::AugmentOptions::tilt_and_flip();
  const auto ids = [&](std::int64_t first, std::vector<double>& losses) {
    auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
  auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
    auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
  }
}

// What training validated is what the bundle says through the plain engine, to the last digits.
TEST(EmoclipMethod, RegressionBundlesGiveTheSameValues) {
  const test::TempDir dir;
  write_clips(dir.path(), 16, 3, false);
  for (const std::string temporal : {"conventional", "none"}) {
    for (const std::string head : {"mlp", "linear"}) {
      SCOPED_TRACE(temporal + " " + head);
      EmoclipRecipe options = small_recipe();
      options.model.temporal = temporal;
      options.training.objective = "regression";
      options.training.head = head;
      options.training.stride = options.training.val_stride = 1;
      options.training.val_random = false;
      options.training.ranges = {"0:3.5"};
      options.data.targets = {"score"};
      auto method = make_run<EmoclipMethod>(options, context_of(dir));
      ASSERT_TRUE(method.ok()) << method.status().message();
      optimise(**method, 20, 3e-3);
      const at::NoGradGuard no_grad;
      const auto values = (*method)->validate(0, 0);
      ASSERT_TRUE(values.ok());
      const std::map<std::string, double> figures(values->begin(), values->end());
      MIEN_ASSERT_OK((*method)->export_bundle(dir / "b", true));
      const auto bundle = engine::Bundle::load(dir / "b");
      ASSERT_TRUE(bundle.ok()) << bundle.status().message();
      EXPECT_FALSE((*bundle)->has_text_tower());
      EXPECT_TRUE((*bundle)->info().labels.empty());
      EXPECT_EQ((*bundle)->info().targets.at(0).range, (std::pair<double, double>(0, 3.5)));
      EXPECT_EQ((*bundle)->info().architecture.regression->hidden, head == "mlp" ? 256 : 0);
      const auto said = engine_values(**bundle, dir.path(), 16);
      std::vector<double> truth;
      for (int c = 0; c < 16; ++c) truth.push_back(0.1 * c);
      const auto error = metrics::regression_error(said, truth);
      ASSERT_TRUE(error.ok());
      EXPECT_NEAR(error->mae, figures.at("mae"), 1e-4);
      EXPECT_NEAR(error->ccc, figures.at("ccc"), 1e-4);
    }
  }
}

TEST(EmoclipMethod, RegressionAveragesSamplesBeforeTheFigures) {
  const test::TempDir dir;
  write_clips(dir.path(), 16, 3, false);
  EmoclipRecipe options = small_recipe();
  options.training.objective = "regression";
  options.training.val_random = false;
  options.data.targets = {"score"};
  const auto mae = [&] {
    auto method = make_run<EmoclipMethod>(options, context_of(dir));
    EXPECT_TRUE(method.ok()) << method.status().message();
    (*method)->begin_stage(0);
    const at::NoGradGuard no_grad;
    const auto values = (*method)->validate(0, 0);
    return std::map<std::string, double>(values->begin(), values->end()).at("mae");
  };
  const double alone = mae();
  options.training.average_by = "subject";  // two clips each
  const double together = mae();
  EXPECT_LE(together, alone + 1e-6);
  options.training.average_by = "no such column";
  EXPECT_DOUBLE_EQ(mae(), alone);
}

// A bundle with a temporal model of the same sizes gives it to the next training.
TEST(EmoclipMethod, ATemporalModelOfTheSameSizesIsTaken) {
  const test::TempDir dir;
  write_clips(dir.path(), 8, 3, false);
  EmoclipRecipe first = small_recipe();
  first.training.texts = "classes";
  const auto method = make_run<EmoclipMethod>(first, context_of(dir));
  ASSERT_TRUE(method.ok()) << method.status().message();
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "first", false));
  const auto weights = [&](const std::string& temporal, int layers) {
    EmoclipRecipe second = first;
    second.model.init = "first";
    second.model.trains = "temporal";
    second.model.temporal = temporal;
    second.model.temporal_layers = layers;
    MethodContext context = context_of(dir);
    context.seed = 7;
    const auto next = make_run<EmoclipMethod>(second, context);
    EXPECT_TRUE(next.ok()) << next.status().message();
    for (const auto& [name, tensor] : (*next)->state()) {
      if (name == "temporal.cls_token") return tensor;
    }
    return torch::Tensor();
  };
  torch::Tensor given;
  for (const auto& [name, tensor] : (*method)->state()) {
    if (name == "temporal.cls_token") given = tensor;
  }
  EXPECT_TRUE(weights("conventional", 1).equal(given));
  EXPECT_FALSE(weights("conventional", 2).equal(given));
  EXPECT_FALSE(weights("emoclip", 1).equal(given));
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
  auto method = make_run<EmoclipMethod>(options, context_of(dir));
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
  auto strict = make_run<EmoclipMethod>(options, context_of(dir));
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
    return test::problem_of(make_run<EmoclipMethod>(options, context_of(dir)));
  };
  EXPECT_THAT(problem([](auto&) {}), HasSubstr("no captions in the training samples"));
  EXPECT_THAT(problem([](auto& r) { r.data.train = ""; }), HasSubstr("data.train: is empty"));
  EXPECT_THAT(problem([](auto& r) { r.data.train = "no.csv"; }), HasSubstr("no.csv"));
  EXPECT_THAT(problem([](auto& r) { r.training.objective = "regression"; }),
              HasSubstr("data.targets: is empty"));
  const auto ranges = [&](std::vector<std::string> given) {
    return problem([&](auto& r) {
      r.training.objective = "regression";
      r.data.targets = {"score"};
      r.training.ranges = given;
    });
  };
  EXPECT_THAT(ranges({"1"}), HasSubstr("expected LOW:HIGH"));
  EXPECT_THAT(ranges({"7:1"}), HasSubstr("expected LOW below HIGH"));
  EXPECT_THAT(ranges({"1:x"}), HasSubstr("expected LOW:HIGH"));
  EXPECT_THAT(ranges({"0:1", "0:1"}), HasSubstr("2 for 1 targets"));
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
