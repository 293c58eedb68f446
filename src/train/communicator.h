#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "mien/core/status.h"
#include "mien/methods/method.h"

namespace mien::train {

/// Several processes that train one model. Every function is a collective: all processes call it in
/// the same order. Not thread-safe. Errors of all: kIo when a process is gone or too slow.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual methods::Rank rank() const = 0;
  /// Replaces the values by their mean over the processes.
  virtual Status mean(torch::Tensor& values) = 0;
  /// Replaces the values by those of process 0.
  virtual Status broadcast(torch::Tensor& values) = 0;
  /// Shape: [rows, ...] of each process -> [world * rows, ...] in the order of the ranks.
  virtual Result<torch::Tensor> gather(const torch::Tensor& rows) = 0;
};

struct ProcessOptions {
  int rank = 0;
  int world = 1;
  std::string address = "127.0.0.1";  ///< of process 0
  int port = 29500;
  int timeout_seconds = 1800;
};

/// Joins the processes of a run through c10d: a TCP store and Gloo. Blocks until all have joined.
/// Errors: kInvalidArgument (rank outside the world, bad port), kIo (no answer).
Result<std::unique_ptr<Communicator>> join_processes(const ProcessOptions& options);

}  // namespace mien::train
