#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "jobs/results_file.h"
#include "mien/core/status.h"

namespace mien::jobs {

/// Receives the frames of one file.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  virtual Status frame(const pipeline::FrameResult& frame) = 0;
};

/// Reads one file after the other. Threads: used by one worker only.
class FileReader {
 public:
  virtual ~FileReader() = default;
  /// Errors: those of the file; kCancelled leaves the file for another run.
  virtual Result<pipeline::ClipResult> read(const InputFile& file, FrameSink& sink) = 0;
};

struct BatchRunOptions {
  int jobs = 1;  ///< number of files to read at once
  const std::atomic<bool>* cancel = nullptr;
  /// Called one at a time, from the workers.
  std::function<void(std::int64_t done)> progress = {};
  std::function<void(const InputFile&, const Status&)> failed =
      {};  ///< also for files that are cut short
};

struct RunCounts {
  std::int64_t read = 0;
  std::int64_t failed = 0;
  std::int64_t cut_short = 0;  ///< of `read`: the file ends early
  std::int64_t left = 0;       ///< not begun, or not finished
};

/// Reads the files of the plan with `jobs` workers. `make_reader` is called once by every worker,
/// on its own thread and one at a time. A file that fails is recorded, and the run continues with
/// the next one.
/// Errors: those of make_reader; those of the results file (a full disk), where the run stops and
/// what was complete is kept.
Result<RunCounts> run_plan(ResultsFile& results, const BatchPlan& plan,
                           const std::function<Result<std::unique_ptr<FileReader>>()>& make_reader,
                           const BatchRunOptions& options = {});

}  // namespace mien::jobs
