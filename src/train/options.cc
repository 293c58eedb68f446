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
  set.add("seed", seed, "Of weights, order and augmentation");
  set.add("epochs", epochs, "Epochs of every stage; 0: the method's own number", {0, 1e6});
  set.add("optimiser", optimiser, "Optimiser", {"sgd", "adam", "adamw"});
  set.add("lr", lr, "Learning rate of the main group", {0, 1e3});
  set.add("momentum", momentum, "Of SGD", {0, 1});
  set.add("beta1", beta1, "Of Adam", {0, 1});
  set.add("beta2", beta2, "Of Adam", {0, 1});
  set.add("eps", eps, "Of Adam", {0, 1});
  set.add("weight_decay", weight_decay, "L2 for SGD and Adam, decoupled for AdamW", {0, 10});
  set.add("schedule", schedule, "Learning rate over time", {kSchedules.begin(), kSchedules.end()});
  set.add("milestones", milestones, "Epochs at which the rate falls (step)");
  set.add("gamma", gamma, "Factor at a milestone", {0, 1});
  set.add("min_factor", min_factor, "Least factor of a cosine", {0, 1});
  set.add("restart_epochs", restart_epochs, "Length of the first cosine (restarts)", {1e-3, 1e6});
  set.add("restart_growth", restart_growth, "Each following cosine is longer by this", {1, 100});
  set.add("per_epoch", per_epoch, "The rate changes between epochs only");
  set.add("warmup_epochs", warmup_epochs, "Linear rise of the rate", {0, 1e6});
  set.add("clip_norm", clip_norm, "Largest norm of all gradients; 0: no clipping", {0, 1e9});
  set.add("ema", ema, "Decay of averaged weights; 0: none", {0, 0.999999});
  set.add("bf16", bf16, "Forward pass under bfloat16 autocast");
  set.add("deterministic", deterministic, "Only operators that repeat bit by bit");
  set.add("patience", patience, "Epochs without a better validation before the end; 0: never",
          {0, 1e6});
  set.add("checkpoint_minutes", checkpoint_minutes, "Minutes between checkpoints", {0, 1e6});
  set.add("checkpoint_steps", checkpoint_steps, "Steps between checkpoints; 0: by minutes",
          {0, 1e9});
  set.add("keep", keep, "Checkpoints that are kept", {1, 1000});
  set.add("log_every", log_every, "Steps between lines of the log", {1, 1e9});
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
    return invalid_argument(fmt::format("schedule of a stage: '{}' (expected one of {})",
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
