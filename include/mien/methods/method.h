#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mien/core/status.h"

namespace mien::methods {

using NamedTorchTensors = std::vector<std::pair<std::string, torch::Tensor>>;
using NamedValues = std::vector<std::pair<std::string, double>>;

/// Parameters that share a learning rate. The tensors are those of the method: an optimiser step
/// changes them in place.
struct ParameterGroup {
  std::string name;
  NamedTorchTensors parameters;
  double lr_factor = 1.0;  ///< times the rate of the schedule
  std::optional<double> weight_decay = {};
};

/// The result of one batch.
struct StepOutput {
  torch::Tensor loss;            ///< scalar with its graph
  std::int64_t samples = 0;      ///< in this process
  std::vector<std::string> ids;  ///< of the samples, to name them when the loss is not a number
  NamedValues values = {};       ///< further values to log
};

/// Trainer options (train::TrainOptions) that a stage overrides; unset ones stay.
struct StageSettings {
  std::optional<double> lr = {};
  std::optional<double> weight_decay = {};
  std::optional<double> eps = {};
  std::optional<std::string> schedule = {};
  std::optional<double> restart_epochs = {};
};

/// One process of several that train together; {0, 1} alone.
struct Rank {
  int rank = 0;
  int world = 1;
};

/// A training method: its modules, what trains in which stage, the loss of the next batch, the
/// export. train::train owns the loop around it. Threads: not thread-safe. LibTorch's exceptions
/// may pass.
class Method {
 public:
  virtual ~Method() = default;

  /// Number of stages, which train one after another.
  virtual int stages() const { return 1; }
  /// Epochs of a stage; TrainOptions::epochs overrides it.
  virtual int epochs(int stage) const = 0;
  virtual StageSettings settings(int) const { return {}; }
  /// The parameters that train in a stage. Sets requires_grad of every parameter accordingly.
  virtual std::vector<ParameterGroup> begin_stage(int stage) = 0;
  /// Every tensor (trained or not, buffers included) that a checkpoint needs to resume; frozen
  /// tensors that come from a bundle may be left out.
  virtual NamedTorchTensors state() = 0;

  /// Optimiser steps of an epoch, the same in every process.
  virtual std::int64_t steps_per_epoch(int stage) const = 0;
  /// Starts the batches of an epoch at `first_step`. The order and every augmentation depend on
  /// (seed, stage, epoch) only, so that a resumed run sees what an uninterrupted one would. Errors:
  /// those of the data.
  virtual Status begin_epoch(int stage, int epoch, std::int64_t first_step) = 0;
  /// Forward pass of the next batch. Errors: those of the data.
  virtual Result<StepOutput> step() = 0;
  /// Called between the backward pass (gradients are the mean over the processes) and the step of
  /// the optimiser; may change parameters and their gradients. Without autograd.
  virtual void before_update() {}
  /// Figures on held-out data, for example {"war", 61.2}; empty when there is no such data. Called
  /// without autograd after each epoch. Errors: those of the data; kCancelled.
  virtual Result<NamedValues> validate(int stage, int epoch) = 0;
  /// The value of `validate` that selects the best epoch (larger is better); empty: the last epoch.
  virtual std::string selects_by() const { return "war"; }

  /// Writes a bundle with the current parameters. Errors: those of the data and of
  /// engine::write_bundle.
  virtual Status export_bundle(const std::filesystem::path& path, bool overwrite) = 0;
};

}  // namespace mien::methods
