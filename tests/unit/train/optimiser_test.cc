#include "train/optimiser.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/optim/adam.h>
#include <torch/optim/adamw.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <numbers>

#include "checkpoint/safetensors.h"
#include "mien/train/run_state.h"
#include "support/test_support.h"

namespace mien::train {
namespace {

torch::Tensor start() { return torch::arange(12, torch::kFloat32).view({3, 4}).sub(5).div(7); }

// The largest difference to LibTorch's own optimiser after 25 steps on a curved function.
template <class Theirs>
double difference(const TrainOptions& options, Theirs make) {
  torch::Tensor ours = start().set_requires_grad(true);
  torch::Tensor theirs = start().set_requires_grad(true);
  Optimiser a(options, {{.name = "g", .parameters = {{"w", ours}}}});
  auto b = make(std::vector<torch::Tensor>{theirs});
  for (int i = 0; i < 25; ++i) {
    const auto loss = [&](const torch::Tensor& w) {
      return (w.sin() * (1 + 0.1 * i) + w.square()).sum();
    };
    a.zero_grad();
    loss(ours).backward();
    a.step(options.lr);
    b.zero_grad();
    loss(theirs).backward();
    b.step();
  }
  EXPECT_GT((ours - start()).abs().max().template item<double>(), 1e-3);
  return (ours - theirs).abs().max().template item<double>();
}

TEST(Optimiser, SgdIsPyTorchs) {
  TrainOptions options;
  options.lr = 0.05;
  for (const double momentum : {0.0, 0.9}) {
    options.momentum = momentum;
    options.weight_decay = 5e-3;
    EXPECT_LT(difference(
                  options,
                  [&](const auto& list) {
                    return torch::optim::SGD(
                        list, torch::optim::SGDOptions(0.05).momentum(momentum).weight_decay(5e-3));
                  }),
              1e-6);
  }
}

TEST(Optimiser, AdamIsPyTorchs) {
  TrainOptions options;
  options.optimiser = "adam";
  options.lr = 0.01;
  options.eps = 1e-6;
  options.weight_decay = 0.1;
  EXPECT_LT(difference(options,
                       [&](const auto& list) {
                         return torch::optim::Adam(
                             list, torch::optim::AdamOptions(0.01).eps(1e-6).weight_decay(0.1));
                       }),
            1e-6);
}

TEST(Optimiser, AdamWIsPyTorchs) {
  TrainOptions options;
  options.optimiser = "adamw";
  options.lr = 0.01;
  options.weight_decay = 0.1;
  EXPECT_LT(difference(options,
                       [&](const auto& list) {
                         return torch::optim::AdamW(
                             list, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
                       }),
            1e-6);
}

TEST(Optimiser, GroupsHaveTheirOwnRateAndDecay) {
  TrainOptions options;
  options.momentum = 0;
  options.weight_decay = 1;
  torch::Tensor a = torch::ones({2}).set_requires_grad(true);
  torch::Tensor b = torch::ones({2}).set_requires_grad(true);
  torch::Tensor untouched = torch::ones({2}).set_requires_grad(true);
  Optimiser optimiser(
      options, {{.name = "a", .parameters = {{"a", a}, {"u", untouched}}},
                {.name = "b", .parameters = {{"b", b}}, .lr_factor = 0.1, .weight_decay = 0.0}});
  (a.sum() + b.sum()).backward();
  optimiser.step(0.1);
  EXPECT_NEAR(a[0].item<double>(), 1 - 0.1 * 2, 1e-6);
  EXPECT_NEAR(b[0].item<double>(), 1 - 0.01, 1e-6);
  EXPECT_EQ(untouched[0].item<double>(), 1);
}

TEST(Optimiser, ClipsTheNormOfAll) {
  torch::Tensor a = torch::zeros({2}).set_requires_grad(true);
  torch::Tensor b = torch::zeros({2}).set_requires_grad(true);
  Optimiser optimiser({}, {{.name = "g", .parameters = {{"a", a}, {"b", b}}}});
  (3 * a.sum() + 4 * b.sum()).backward();
  EXPECT_NEAR(optimiser.clip_norm(1.0), std::sqrt(50.0), 1e-5);
  EXPECT_NEAR(a.grad()[0].item<double>(), 3 / std::sqrt(50.0), 1e-5);
  EXPECT_NEAR(optimiser.clip_norm(10.0), 1.0, 1e-5);
}

TEST(Optimiser, StateGoesThroughAFile) {
  const test::TempDir dir;
  for (const std::string kind : {"sgd", "adam", "adamw"}) {
    TrainOptions options;
    options.optimiser = kind;
    options.lr = 0.02;
    torch::Tensor w = start().set_requires_grad(true);
    Optimiser first(options, {{.name = "g", .parameters = {{"w", w}}}});
    const auto go = [&](Optimiser& optimiser, torch::Tensor& x) {
      for (int i = 0; i < 3; ++i) {
        optimiser.zero_grad();
        x.cos().sum().backward();
        optimiser.step(options.lr);
      }
    };
    go(first, w);
    ASSERT_EQ(test::problem_of(save_run_as(dir / "s", {}, first.state())), "");
    torch::Tensor again = w.detach().clone().set_requires_grad(true);
    Optimiser second(options, {{.name = "g", .parameters = {{"w", again}}}});
    const auto file = checkpoint::open_safetensors(dir / "s");
    ASSERT_TRUE(file.ok());
    MIEN_ASSERT_OK(second.load(**file));
    go(first, w);
    go(second, again);
    EXPECT_TRUE(at::equal(w, again)) << kind;
    torch::Tensor other = torch::zeros({5}).set_requires_grad(true);
    Optimiser wrong(options, {{.name = "g", .parameters = {{"w", other}}}});
    EXPECT_EQ(test::code_of(wrong.load(**file)), StatusCode::kCorrupt);
  }
}

// methods-e2n-fer §12, lr 0.002 over 50 epochs.
TEST(Schedule, RatesOfE2nFer) {
  TrainOptions options;
  options.schedule = "epoch_cosine";
  options.warmup_epochs = 1;
  options.lr = 0.002;
  const auto lr = [&](double epoch) { return options.lr * schedule_factor(options, epoch, 50); };
  EXPECT_DOUBLE_EQ(lr(0), 1e-4);
  EXPECT_DOUBLE_EQ(lr(0.99), 1e-4);
  EXPECT_DOUBLE_EQ(lr(1), 2e-3);
  EXPECT_NEAR(lr(2), 1.998027e-3, 1e-9);
  EXPECT_DOUBLE_EQ(lr(2.5), lr(2));
  EXPECT_NEAR(lr(26), 1e-3, 1e-12);
  EXPECT_NEAR(lr(49), 7.885299e-6, 1e-12);
  // The former name goes on being read.
  TrainOptions old = options;
  old.schedule = "e2n";
  for (const double epoch : {0.0, 0.99, 1.0, 17.5, 49.0}) {
    EXPECT_EQ(schedule_factor(old, epoch, 50), schedule_factor(options, epoch, 50)) << epoch;
  }
}

TEST(Schedule, Factors) {
  TrainOptions options;
  EXPECT_EQ(schedule_factor(options, 17.5, 30), 1);
  options.schedule = "step";
  options.milestones = {15, 35, 50};
  EXPECT_EQ(schedule_factor(options, 14.99, 50), 1);
  EXPECT_DOUBLE_EQ(schedule_factor(options, 15, 50), 0.1);
  EXPECT_DOUBLE_EQ(schedule_factor(options, 49.9, 50), 0.01);
  options.schedule = "cosine";
  options.min_factor = 0.2;
  EXPECT_DOUBLE_EQ(schedule_factor(options, 0, 10), 1);
  EXPECT_NEAR(schedule_factor(options, 5, 10), 0.6, 1e-12);
  EXPECT_NEAR(schedule_factor(options, 10, 10), 0.2, 1e-12);
  options.schedule = "restarts";
  options.min_factor = 0;
  options.restart_epochs = 2;
  options.restart_growth = 2;
  EXPECT_NEAR(schedule_factor(options, 1, 10), 0.5, 1e-12);
  EXPECT_NEAR(schedule_factor(options, 2, 10), 1, 1e-12);
  EXPECT_NEAR(schedule_factor(options, 4, 10), 0.5, 1e-12);
  EXPECT_NEAR(schedule_factor(options, 6, 10), 1, 1e-12);
  options = {};
  options.warmup_epochs = 2;
  EXPECT_NEAR(schedule_factor(options, 0.5, 10), 0.25, 1e-12);
  EXPECT_EQ(schedule_factor(options, 2, 10), 1);
}

// methods-cliper §5: the rate of epoch e (from 3) is 2.5e-6 (1 + cos(pi ((e - 3) mod 10) / 10)).
TEST(Schedule, RestartsPerEpochAsCliper) {
  TrainOptions options;
  options.per_epoch = true;
  const auto stage = stage_options(
      options,
      {.lr = 5e-6, .weight_decay = 0.1, .eps = 1e-4, .schedule = "restarts", .restart_epochs = 10});
  ASSERT_TRUE(stage.ok());
  EXPECT_EQ(stage->weight_decay, 0.1);
  EXPECT_EQ(stage->eps, 1e-4);
  for (const int e : {3, 4, 9, 12, 13, 27, 59}) {
    const double expected = 2.5e-6 * (1 + std::cos(M_PI * ((e - 3) % 10) / 10));
    for (const double within : {0.0, 0.4, 0.99}) {
      EXPECT_NEAR(stage->lr * schedule_factor(*stage, e - 3 + within, 57), expected, 1e-18) << e;
    }
  }
  const auto same = stage_options(options, {});
  ASSERT_TRUE(same.ok());
  EXPECT_EQ(same->lr, options.lr);
  EXPECT_FALSE(stage_options(options, {.schedule = "wavy"}).ok());
}

}  // namespace
}  // namespace mien::train
