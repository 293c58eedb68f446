#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/status.h"
#include "mien/pipeline/recognizer.h"

namespace mien::jobs {

/// What tells whether a file is still the one that was read.
struct FileStamp {
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

/// A file (or folder of frames) to be read.
struct InputFile {
  std::string input;  ///< as the user named it
  std::string path;   ///< absolute; names the file in the results
  FileStamp stamp = {};
};

/// What all files of one results file were read with: ("bundle", ...), ("labels", ...).
using RunFacts = std::vector<std::pair<std::string, std::string>>;

/// What is to be done, and what is there already.
struct BatchPlan {
  struct Item {
    std::int64_t id = 0;
    InputFile file;
  };
  std::vector<Item> todo = {};     ///< in the order of the inputs
  std::int64_t done_before = 0;    ///< read in an earlier run and unchanged since
  std::int64_t failed_before = 0;  ///< failed in an earlier run and unchanged since
  std::int64_t cut_before = 0;     ///< of `done_before`: the file is cut short
  std::int64_t changed = 0;        ///< of `todo`: read before, but the file has changed
};

struct PlanOptions {
  bool retry_failed = false;  ///< put files that failed before into `todo`
};

/// How one file stands in the results.
struct FileRow {
  std::int64_t id = 0;
  std::string input;
  std::string path;
  FileStamp stamp = {};
  std::string state;  ///< "done", "failed" or "pending"
  bool is_clip = false;
  std::string code;     ///< failed, or done but cut short: the StatusCode as a word
  std::string message;  ///< why
  pipeline::SummaryResult summary = {};
};

/// Results of many files in one SQLite database (docs/reference/outputs.md has the tables). Every
/// file is complete or not there: a process may be killed at any time, and the next run goes on
/// where it stood. Only one run at a time has a results file; readers may look at it meanwhile.
/// Threads: all members are safe to call from several threads.
class ResultsFile {
 public:
  static constexpr int kFormatVersion = 1;
  /// The fact that is a hash of the labels' descriptions; a message names the labels instead.
  static constexpr const char* kLabelTexts = "label texts";

  /// Makes `path`, or opens it to go on. `labels` in the user's order; `facts` are those of an
  /// existing file or the run is refused. Errors: kInvalidArgument when facts or labels differ (the
  /// message names the first) or another run has the file; kCorrupt when it is no results file;
  /// kUnsupported for another format version; kIo.
  static Result<std::unique_ptr<ResultsFile>> open_for_run(const std::filesystem::path& path,
                                                           const std::vector<std::string>& labels,
                                                           const RunFacts& facts);
  /// Errors: kNotFound, kCorrupt, kUnsupported, kIo.
  static Result<std::unique_ptr<ResultsFile>> open_to_read(const std::filesystem::path& path);
  ResultsFile(const ResultsFile&) = delete;
  ResultsFile& operator=(const ResultsFile&) = delete;
  ~ResultsFile();

  const std::vector<std::string>& labels() const { return labels_; }

  /// Enters new files, drops what a killed run left half, and tells what is to be done.
  Result<BatchPlan> plan(std::span<const InputFile> files, const PlanOptions& options = {});

  /// Frames of a file that is being read (a picture is one frame); they count once finish() was
  /// called. Errors of these: kIo (a full disk too; nothing of the call is kept then).
  Status append(std::int64_t id, std::span<const pipeline::FrameResult> frames);
  Status finish(std::int64_t id, const pipeline::SummaryResult& summary,
                std::span<const pipeline::TrackResult> tracks);
  /// The file could not be read: its frames are dropped, the reason is kept.
  Status fail(std::int64_t id, const Status& reason);

  /// Visits every file in the order in which they were entered.
  Status for_each_file(const std::function<Status(const FileRow&)>& visit) const;
  /// The frames of one file in order; labels best first. `visit` must not call this object.
  Status for_each_frame(const FileRow& file,
                        const std::function<Status(const pipeline::FrameResult&)>& visit) const;
  Result<std::vector<pipeline::TrackResult>> tracks(const FileRow& file) const;

 private:
  struct Database;
  explicit ResultsFile(std::unique_ptr<Database> database);
  Status read_meta();
  Status create_or_compare(const std::vector<std::string>& labels, const RunFacts& facts);

  mutable std::mutex mutex_;
  std::unique_ptr<Database> database_;
  std::vector<std::string> labels_;
};

}  // namespace mien::jobs
