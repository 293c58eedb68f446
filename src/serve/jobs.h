#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "serve/clip_files.h"
#include "serve/pictures.h"

namespace mien::serve {

/// A clip that is being received: a private folder with one file. Removed with this object unless
/// it became a job. Threads: not thread-safe.
class Upload {
 public:
  /// Counts itself in `open` while it lives.
  Upload(std::filesystem::path folder, int fd, std::shared_ptr<std::atomic<std::size_t>> open)
      : folder_(std::move(folder)), fd_(fd), open_(std::move(open)) {
    ++*open_;
  }
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  ~Upload();
  /// Errors: kIo.
  Status write(std::string_view bytes);
  const std::filesystem::path& folder() const { return folder_; }
  /// The folder belongs to a job now.
  void keep();

 private:
  std::filesystem::path folder_;
  int fd_;
  std::shared_ptr<std::atomic<std::size_t>> open_;
  bool kept_ = false;
};

struct JobOptions {
  std::filesystem::path folder;  ///< private; made if missing
  bool remove_folder = false;    ///< at the end, because nobody named it
  std::chrono::seconds keep{3600};
  std::size_t most_waiting = 16;
  int threads = 1;  ///< of kernels
  Limits limits;
  std::string program;  ///< "mien 0.2.0"
  std::string notice;
};

/// What GET /v1/jobs/{id} says.
struct JobState {
  enum class Phase { kQueued, kRunning, kDone, kFailed };
  std::string id;
  Phase phase = Phase::kQueued;
  std::string input;
  std::int64_t created = 0;   ///< seconds since 1970
  std::int64_t finished = 0;  ///< the same; 0: not finished
  std::int64_t frames = 0;
  std::int64_t expected_frames = 0;
  std::optional<double> seconds_left = {};
  std::string code;  ///< of kFailed
  std::string message;
};
std::string_view to_string(JobState::Phase phase);
Json to_json(const JobState& state);
/// Errors: those of json_string and json_integer.
Result<JobState> parse_job(std::string_view json);

/// Reads clips one after the other in a thread of its own. Every job has a folder with its state,
/// so that a server that was killed tells at its next start what became of it.
/// Threads: all functions are safe from several threads.
class Jobs {
 public:
  /// Removes what a killed server left behind, and marks its jobs as failed. Borrows `models`.
  /// Errors: kIo; kInvalidArgument when the folder is not private or another server uses it;
  /// kResourceLimit when no thread can be started.
  static Result<std::unique_ptr<Jobs>> open(const Models& models, PictureOptions pictures,
                                            JobOptions options);
  ~Jobs();

  /// Errors: kResourceLimit when too many jobs wait; kCancelled after finish(); kIo.
  Result<std::unique_ptr<Upload>> begin();
  /// The clip is `length` bytes from `offset` of the upload's file. Errors: as begin().
  Result<JobState> submit(const std::shared_ptr<Upload>& upload, std::uint64_t offset,
                          std::uint64_t length, const Ask& ask);
  std::optional<JobState> find(const std::string& id) const;
  /// False when there is no such job.
  bool remove(const std::string& id);
  /// Empty unless the job is done.
  std::filesystem::path result(const std::string& id, std::string_view format) const;
  /// Reads what was submitted, then ends. Call it once.
  void finish();
  std::size_t waiting() const;
  std::size_t count() const;

 private:
  struct Job;
  Jobs(const Models& models, PictureOptions pictures, JobOptions options);
  Status prepare_folder();
  Status sweep();
  void work();
  void run(Job& job);
  Status read(Job& job);
  void remove_old();
  void store(const JobState& state) const;
  std::filesystem::path folder_of(const std::string& id) const { return options_.folder / id; }

  const Models& models_;
  PictureOptions pictures_;
  JobOptions options_;
  int lock_fd_ = -1;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::deque<std::shared_ptr<Job>> queue_;
  const std::shared_ptr<std::atomic<std::size_t>> uploads_ =
      std::make_shared<std::atomic<std::size_t>>(0);
  bool finishing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace mien::serve
