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
/// for a folder.
Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t max_bytes);

/// As read_file, but returns text. The encoding is not checked.
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
  /// Hints that `part` of this map will not be read again soon, so that its pages can be freed.
  void release(std::span<const std::byte> part) const;
  /// Copies `part` of this map to `out` by reading the file. For data that is read only once this
  /// is three times as fast as touching the pages of the map. Preconditions: `part` lies in
  /// bytes(), `out` is as long. Errors: kIo, also when the file was truncated meanwhile.
  Status read(std::span<const std::byte> part, std::span<std::byte> out) const;

 private:
  MappedFile() = default;
  std::filesystem::path path_;
  int fd_ = -1;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// An output file. A regular file is written under a temporary name beside it and renamed on
/// commit(), so that it is never half-written, and keeps its mode and owner; other hard links keep
/// the old content. Symbolic links are followed. Anything but a regular file (a device, a pipe,
/// /dev/stdout, /dev/fd/N) is written to directly and never replaced. Where a file is writable but
/// cannot be replaced (its folder is not writable, it belongs to someone else, has an access list,
/// or is a mount point), commit() copies the finished content into it.
/// Without commit() or keep_part() nothing is left behind.
class AtomicFile {
 public:
  /// kSeekable: for a writer that opens temporary_path() itself; a stream gets the content on
  /// commit().
  enum class Access { kSequential, kSeekable };
  /// Errors: kNotFound (missing folder), kIo (not writable), kInvalidArgument (a folder, a block
  /// device), kCancelled (a signal arrived while a pipe waited for its reader).
  static Result<AtomicFile> create(const std::filesystem::path& path,
                                   Access access = Access::kSequential);
  /// Checks that create() would succeed, without opening a pipe or a device. Errors: as create().
  static Status check(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  /// Errors: kIo. It is permanent: commit() then returns the same error.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  /// Flushes, closes and renames. Errors: kIo (for example a full disk); `path` then keeps its old
  /// content.
  Status commit();
  /// Ends an incomplete output: keeps what was written as NAME.part (NAME.part2, ... if that
  /// exists) and leaves `path` unchanged. Returns an empty path when there is nothing to keep:
  /// nothing was written, or it went into a stream. Errors: kIo.
  Result<std::filesystem::path> keep_part();
  /// Empty for a stream that is written to directly.
  const std::filesystem::path& temporary_path() const { return temporary_; }

 private:
  enum class Way { kRename, kCopy, kStream };
  AtomicFile() = default;
  Status open_temporary(bool exists);
  Status keep_owner_and_mode();
  Status copy_into_place();
  void discard() noexcept;
  std::filesystem::path path_;    ///< as given, for messages
  std::filesystem::path target_;  ///< with symbolic links resolved
  std::filesystem::path temporary_;
  Way way_ = Way::kRename;
  int fd_ = -1;
  int stream_ = -1;  ///< of a stream that waits for a finished temporary file
  Status problem_;
};

/// create + write + commit.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// The absolute name of a file, with symbolic links resolved as far as the path exists, also for a
/// dangling link. Where a link cannot be resolved, the absolute name unresolved; never empty.
std::filesystem::path absolute_name(const std::filesystem::path& path);

}  // namespace mien
