#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"

namespace mien::data {

struct CheckOptions {
  bool all_frames = false;     ///< decode every frame, not only the first of each sample
  bool need_captions = false;  ///< a sample without a caption is a problem
  int threads = 1;
  Limits limits = {};
  std::function<void(std::int64_t done)> progress = {};  ///< called from one thread at a time
  const std::atomic<bool>* cancel = nullptr;
};

/// One kind of problem, with a message for each case in the order of the manifest.
struct Problems {
  /// "missing", "unreadable", "duplicate", "leak", "empty_class", "class_name", "caption"
  std::string kind;
  std::vector<std::string> messages = {};
};

/// The counts of a manifest, and its problems.
struct CheckReport {
  std::vector<std::string> splits;                ///< as they occur; "" where a sample has none
  std::vector<std::vector<std::int64_t>> counts;  ///< [class][split]; a compound counts for each
  std::vector<std::int64_t> of_split;             ///< samples
  std::int64_t samples = 0;
  std::int64_t frames = 0;
  std::int64_t unlabelled = 0;
  std::int64_t compound = 0;
  std::int64_t with_caption = 0;
  std::int64_t with_votes = 0;
  std::int64_t subjects = 0;
  std::int64_t decoded = 0;
  std::vector<Problems> problems;  ///< every kind once, also kinds without cases

  std::int64_t problem_count() const;
};

/// Counts samples, and looks for frames that cannot be decoded, samples without pictures
/// (Manifest::missing), frames used twice, subjects in several splits, classes without samples and
/// doubtful class names (class_doubts.h). Errors: kCancelled. Threads: decodes on options.threads
/// threads; the report does not depend on their number.
Result<CheckReport> check_manifest(const Manifest& manifest, const CheckOptions& options = {});

}  // namespace mien::data
