#include "mien/train/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace mien::train {
namespace {

constexpr double kEpochCosineWarmup = 0.05;
// "e2n" is the former name of "epoch_cosine".
constexpr std::array<std::string_view, 6> kSchedules = {"constant", "step",         "cosine",
                                                        "restarts", "epoch_cosine", "e2n"};

double cosine(double progress, double least) {
  return least +
         (1 - least) * 0.5 * (1 + std::cos(std::numbers::pi * std::clamp(progress, 0.0, 1.0)));
}

double restarts(const TrainOptions& options, double epoch) {
  double length = options.restart_epochs;
  while (epoch >= length) {
    epoch -= length;
    length *= options.restart_growth;
  }
  return cosine(epoch / length, options.min_factor);
}

}  // namespace

void TrainOptions::register_options(OptionSet& set) {
  set.add("seed", seed, "Seed of weights, order and augmentation");
  set.add("epochs", epochs, "Epochs of every stage; 0: the method's own number", {0, 1e6});
  set.add("optimiser", optimiser, "Optimiser", {"sgd", "adam", "adamw"});
  set.add("lr", lr, "Learning rate of the main group", {0, 1e3});
  set.add("momentum", momentum, "Momentum of SGD", {0, 1});
  set.add("beta1", beta1, "Decay of the mean of gradients in Adam", {0, 1});
  set.add("beta2", beta2, "Decay of the mean of squares in Adam", {0, 1});
  set.add("eps", eps, "Epsilon of Adam", {0, 1});
  set.add("weight_decay", weight_decay, "Weight decay: L2 for SGD and Adam, decoupled for AdamW",
          {0, 10});
  set.add("schedule", schedule, "Schedule of the learning rate",
          {kSchedules.begin(), kSchedules.end()});
  set.add("milestones", milestones, "Epochs at which the rate drops (step)");
  set.add("gamma", gamma, "Factor of the rate at a milestone", {0, 1});
  set.add("min_factor", min_factor, "Minimum factor of a cosine", {0, 1});
  set.add("restart_epochs", restart_epochs, "Length of the first cosine, in epochs (restarts)",
          {1e-3, 1e6});
  set.add("restart_growth", restart_growth, "Factor by which each following cosine is longer",
          {1, 100});
  set.add("per_epoch", per_epoch, "Change the rate only between epochs");
  set.add("warmup_epochs", warmup_epochs, "Epochs of linear warm-up of the rate", {0, 1e6});
  set.add("clip_norm", clip_norm, "Maximum norm of all gradients; 0: no clipping", {0, 1e9});
  set.add("ema", ema, "Decay of the averaged weights; 0: no averaging", {0, 0.999999});
  set.add("bf16", bf16, "Run the forward pass under bfloat16 autocast");
  set.add("deterministic", deterministic, "Use only operators whose results repeat bit by bit");
  set.add("patience", patience, "Epochs without improvement before stopping early; 0: never",
          {0, 1e6});
  set.add("checkpoint_minutes", checkpoint_minutes, "Minutes between checkpoints", {0, 1e6});
  set.add("checkpoint_steps", checkpoint_steps, "Steps between checkpoints; 0: use minutes",
          {0, 1e9});
  set.add("keep", keep, "Number of checkpoints to keep", {1, 1000});
  set.add("log_every", log_every, "Steps between log lines", {1, 1e9});
}

Result<TrainOptions> stage_options(const TrainOptions& options,
                                   const methods::StageSettings& settings) {
  TrainOptions out = options;
  out.lr = settings.lr.value_or(options.lr);
  out.weight_decay = settings.weight_decay.value_or(options.weight_decay);
  out.eps = settings.eps.value_or(options.eps);
  out.schedule = settings.schedule.value_or(options.schedule);
  out.restart_epochs = settings.restart_epochs.value_or(options.restart_epochs);
  if (std::find(kSchedules.begin(), kSchedules.end(), out.schedule) == kSchedules.end()) {
    return invalid_argument(fmt::format("schedule of a stage: unknown '{}' (expected one of {})",
                                        out.schedule, fmt::join(kSchedules, ", ")));
  }
  return out;
}

double schedule_factor(const TrainOptions& options, double epoch, int epochs) {
  // Warm-up at a twentieth of the rate, then half a cosine in whole epochs. Source: E2N-FER.
  if (options.schedule == "epoch_cosine" || options.schedule == "e2n") {
    const double behind = std::floor(epoch) - options.warmup_epochs;
    return behind < 0 ? kEpochCosineWarmup
                      : cosine(behind / std::max(1, epochs), options.min_factor);
  }
  double factor = 1;
  if (options.per_epoch) epoch = std::floor(epoch);
  if (options.schedule == "step") {
    const auto passed = std::count_if(options.milestones.begin(), options.milestones.end(),
                                      [&](int at) { return epoch >= at; });
    factor = std::pow(options.gamma, static_cast<double>(passed));
  } else if (options.schedule == "cosine") {
    factor = cosine(epoch / std::max(1, epochs), options.min_factor);
  } else if (options.schedule == "restarts") {
    factor = restarts(options, epoch);
  }
  if (epoch < options.warmup_epochs) factor *= epoch / options.warmup_epochs;
  return factor;
}

}  // namespace mien::train
