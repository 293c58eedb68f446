#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/status.h"

namespace mien::data {

struct EmbeddingCacheOptions {
  std::filesystem::path folder;
  /// Identifies what the rows depend on: tower, preprocessing, frames. Each key has its own cache.
  std::string key;
  std::int64_t rows = 0;
  std::int64_t width = 0;
  std::int64_t rows_per_file = 4096;
  std::function<void(std::int64_t done)> progress = {};
  const std::atomic<bool>* cancel = nullptr;
};

/// Rows of a frozen tower, kept on disk in files of a few thousand rows. Files are written
/// atomically, so an interrupted run continues after the last one. Threads: const after opening.
class EmbeddingCache {
 public:
  /// Rows [first, first + count) into `out`.
  using Fill = std::function<Status(std::int64_t first, std::int64_t count, std::span<float> out)>;

  /// Opens the cache and fills missing or damaged files.
  /// Errors: those of `fill`; kIo (disk full); kCancelled.
  static Result<std::shared_ptr<const EmbeddingCache>> open(const EmbeddingCacheOptions& options,
                                                            const Fill& fill);

  /// Precondition: row is in range, out.size() == width.
  void copy_row(std::int64_t row, std::span<float> out) const;
  std::int64_t width() const { return width_; }
  std::int64_t rows() const { return rows_; }

 private:
  EmbeddingCache() = default;
  std::int64_t rows_ = 0;
  std::int64_t width_ = 0;
  std::int64_t rows_per_file_ = 1;
  std::vector<std::shared_ptr<const checkpoint::Checkpoint>> files_;
};

}  // namespace mien::data
