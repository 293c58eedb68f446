#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/methods/method.h"

namespace mien::train {

/// The progress of a run; with the tensors, all that is needed to resume it.
struct RunState {
  int stage = 0;
  int epoch = 0;
  std::int64_t step = 0;         ///< finished steps of this epoch
  std::int64_t global_step = 0;  ///< finished optimiser steps of the whole run
  bool done = false;
  double best = 0;
  bool validated = true;  ///< false: nothing selects an epoch, and `best` is that of the last one
  int best_epoch = -1;    ///< -1: none yet
  int worse_epochs = 0;
  std::string recipe;  ///< sha256 of the options that decide the result
  double seconds = 0;  ///< of training so far
};

/// A checkpoint file: tensors below "model/", "optim/" and "ema/", and the state as metadata.
struct SavedRun {
  RunState state;
  std::shared_ptr<const checkpoint::Checkpoint> tensors;
};

/// Writes `folder/checkpoint-<global_step>.safetensors` and removes all but the last `keep`.
/// Errors: kIo; earlier checkpoints then stay.
Status save_run(const std::filesystem::path& folder, const RunState& state,
                const methods::NamedTorchTensors& tensors, int keep);
/// Writes `path` only. Errors: kIo.
Status save_run_as(const std::filesystem::path& path, const RunState& state,
                   const methods::NamedTorchTensors& tensors);

/// The newest readable checkpoint; nullopt when there is none, or no such folder. `skipped` names
/// damaged ones. Errors: kIo when the folder cannot be listed.
Result<std::optional<SavedRun>> find_last_run(const std::filesystem::path& folder,
                                              std::vector<std::string>& skipped);
/// Reads one checkpoint. Errors: kNotFound; kCorrupt, also when it is not the checkpoint of a run.
Result<SavedRun> load_run(const std::filesystem::path& path);

/// Removes files that a killed process left half-written. Only one process may use the folder.
void remove_leftovers(const std::filesystem::path& folder);

/// Copies "model/..." into the tensors of a method. Errors: kCorrupt naming the first that is
/// missing, of another shape, or unknown.
Status restore_model(const SavedRun& run, methods::Method& method);

}  // namespace mien::train
