#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien {

/// Reads a whole file. Errors: kNotFound, kIo, kResourceLimit above `max_bytes`, kInvalidArgument
/// on a folder.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t max_bytes);

/// Like read_file, as text. No encoding is checked.
Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes);

/// A read-only memory map of a file. An empty file maps to an empty span.
/// Threads: const after opening. Owns the mapping; views of it must not outlive it.
class MappedFile {
 public:
  /// Errors: kNotFound, kIo, kInvalidArgument when `path` is not a regular file.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path& path);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Tells the system that `part` of this map will not be read again soon, so that its pages leave
  /// our memory.
  void release(std::span<const std::byte> part) const;
  /// Copies `part` of this map to `out` by reading the file, which for what is read once is three
  /// times as fast as touching the pages of the map. Precondition: `part` lies in bytes(), `out` is
  /// as long. Errors: kIo, also when the file was cut short meanwhile.
  Status read(std::span<const std::byte> part, std::span<std::byte> out) const;

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes to a temporary name beside `path` and renames it on commit(), so that `path` is never
/// half written. Without commit() the temporary file is removed.
class AtomicFile {
 public:
  /// Errors: kIo (folder missing, not writable).
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Flushes, closes and renames. Errors: kIo (for example a full disk); `path` is then as it was
  /// before.
  Status commit();
  const std::filesystem::path& temporary_path() const { return temporary_; }

 private:
  AtomicFile() = default;
  void discard() noexcept;
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
};

/// create + write + commit.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace mien
