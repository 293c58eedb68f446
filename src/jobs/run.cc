#include "jobs/run.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "core/start_thread.h"

namespace mien::jobs {
namespace {

// Number of frames per transaction, which bounds the memory for a file.
constexpr std::size_t kChunk = 256;

class ChunkSink final : public FrameSink {
 public:
  ChunkSink(ResultsFile& results, std::int64_t id) : results_(results), id_(id) {}

  Status frame(const pipeline::FrameResult& frame) override {
    frames_.push_back(frame);
    return frames_.size() >= kChunk ? flush() : Status();
  }

  Status flush() {
    if (frames_.empty()) return problem_;
    if (problem_.ok()) problem_ = results_.append(id_, frames_);
    frames_.clear();
    return problem_;
  }
  /// Not ok: the results could not be written, so the run stops.
  const Status& problem() const { return problem_; }

 private:
  ResultsFile& results_;
  std::int64_t id_;
  std::vector<pipeline::FrameResult> frames_;
  Status problem_;
};

class Run {
 public:
  Run(ResultsFile& results, const BatchPlan& plan, const BatchRunOptions& options)
      : results_(results), plan_(plan), options_(options) {}

  // An exception that leaves a thread ends the process.
  void work(const std::function<Result<std::unique_ptr<FileReader>>()>& make_reader) {
    try {
      work_through(make_reader);
    } catch (const std::bad_alloc&) {
      halt(resource_limit("jobs: not enough memory"));
    } catch (const std::exception& error) {
      halt(internal_error(std::string("jobs: ") + error.what()));
    }
  }

  void work_through(const std::function<Result<std::unique_ptr<FileReader>>()>& make_reader) {
    std::unique_ptr<FileReader> reader;
    {
      const std::lock_guard lock(mutex_);
      if (!problem_.ok()) return;
      auto made = make_reader();
      if (!made.ok()) {
        problem_ = made.status();
        stop_ = true;
        return;
      }
      reader = std::move(*made);
    }
    while (!stop_ && !cancelled_now()) {
      const std::size_t place = next_.fetch_add(1);
      if (place >= plan_.todo.size()) return;
      one(*reader, plan_.todo[place]);
    }
  }

  Result<RunCounts> outcome() const {
    if (!problem_.ok()) return problem_;
    RunCounts out = counts_;
    out.left = static_cast<std::int64_t>(plan_.todo.size()) - out.read - out.failed;
    return out;
  }

 private:
  bool cancelled_now() const { return options_.cancel != nullptr && *options_.cancel; }

  static Result<pipeline::ClipResult> read(FileReader& reader, const InputFile& file,
                                           FrameSink& sink) {
    try {
      return reader.read(file, sink);
    } catch (const std::bad_alloc&) {
      return resource_limit(file.input + ": not enough memory");
    } catch (const std::exception& error) {
      return internal_error(fmt::format("{}: {}", file.input, error.what()));
    }
  }

  void one(FileReader& reader, const BatchPlan::Item& item) {
    ChunkSink sink(results_, item.id);
    auto done = read(reader, item.file, sink);
    if (done.ok()) (void)sink.flush();
    if (!sink.problem().ok()) return halt(sink.problem());
    if (!done.ok() && (done.status().code() == StatusCode::kCancelled || cancelled_now())) return;
    const Status kept = done.ok() ? results_.finish(item.id, done->summary, done->tracks)
                                  : results_.fail(item.id, done.status());
    if (!kept.ok()) return halt(kept);
    const std::lock_guard lock(mutex_);
    ++(done.ok() ? counts_.read : counts_.failed);
    if (!done.ok() && options_.failed) options_.failed(item.file, done.status());
    if (done.ok() && done->summary.cut_short) {
      ++counts_.cut_short;
      const std::string why = video::to_string(*done->summary.cut_short);
      if (options_.failed) options_.failed(item.file, corrupt(item.file.input + ": " + why));
    }
    if (options_.progress) options_.progress(counts_.read + counts_.failed);
  }

  void halt(const Status& problem) {
    const std::lock_guard lock(mutex_);
    if (problem_.ok()) problem_ = problem;
    stop_ = true;
  }

  ResultsFile& results_;
  const BatchPlan& plan_;
  const BatchRunOptions& options_;
  std::mutex mutex_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  Status problem_;
  RunCounts counts_;
};

}  // namespace

Result<RunCounts> run_plan(ResultsFile& results, const BatchPlan& plan,
                           const std::function<Result<std::unique_ptr<FileReader>>()>& make_reader,
                           const BatchRunOptions& options) {
  if (plan.todo.empty()) return RunCounts{};
  Run run(results, plan, options);
  const auto workers =
      std::min(static_cast<std::size_t>(std::max(1, options.jobs)), plan.todo.size());
  std::vector<std::thread> threads;
  Status started;  // fewer threads than requested also do the work
  for (std::size_t i = 0; i < workers && started.ok(); ++i) {
    started = start_thread(threads, [&] { run.work(make_reader); });
  }
  if (threads.empty()) return started;
  for (std::thread& thread : threads) thread.join();
  return run.outcome();
}

}  // namespace mien::jobs
