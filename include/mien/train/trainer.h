#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "mien/core/log.h"
#include "mien/methods/method.h"
#include "mien/train/options.h"
#include "mien/train/run_state.h"

namespace mien::train {

class Communicator;

/// Progress of a run, for display.
struct TrainProgress {
  int stage = 0, stages = 1;
  int epoch = 0, epochs = 1;
  std::int64_t step = 0, steps = 0;  ///< of the epoch
  double loss = 0;
  double samples_per_second = 0;
  double seconds_left = 0;  ///< of the stage, estimated
};

/// What a run needs from outside.
struct TrainerContext {
  std::filesystem::path folder;  ///< of the run; created when missing
  std::string recipe;  ///< everything that decides the result, as text; a run resumes only with
                       ///< the same
  Communicator* processes = nullptr;  ///< none: one process
  const std::atomic<bool>* cancel = nullptr;
  std::function<void(const TrainProgress&)> progress = {};
  std::function<void(int stage, int epoch, const methods::NamedValues&)> on_epoch = {};
  std::function<double()> seconds = {};  ///< clock; none: the system's
  LogSink log = {};
};

/// How a run ended.
struct TrainResult {
  RunState state;
  methods::NamedValues last_values = {};  ///< of the last validation in this process
  bool resumed = false;
};

/// Trains a method from its first to its last epoch, or resumes from the checkpoint in `folder`. A
/// resumed run computes the same losses as an uninterrupted one: weights, optimiser, averages,
/// schedule, order and random numbers are restored, and log lines after the checkpoint are dropped.
///
/// The folder holds log.jsonl, events.out.tfevents.*, checkpoint-*.safetensors and
/// best.safetensors (the weights of the best epoch, averaged if TrainOptions::ema is set).
///
/// Errors: kInvalidArgument when the folder belongs to another recipe; kCorrupt when a checkpoint
/// does not match the method; kInternal when the loss is not a number (naming the step and the
/// samples; the last checkpoint stays) or LibTorch fails; kCancelled (after a checkpoint); kIo.
Result<TrainResult> train(methods::Method& method, const TrainOptions& options,
                          const TrainerContext& context);

/// Loads the weights of `folder` into the method: those of the best epoch, or of the last
/// checkpoint. Errors: kNotFound, kCorrupt.
Result<RunState> restore(methods::Method& method, const std::filesystem::path& folder,
                         bool best = true);

/// Sets the number of threads of LibTorch's operators. Always call it: its own default may be one.
void set_threads(int count);

}  // namespace mien::train
