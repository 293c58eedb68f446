#pragma once

#include <map>
#include <span>
#include <string_view>

#include "checkpoint/parts.h"
#include "mien/core/status.h"
#include "mien/tensor/tensor.h"

namespace mien::checkpoint {

struct ZipEntry {
  std::span<const std::byte> packed;  ///< in the file
  std::uint64_t size = 0;             ///< unpacked
  std::uint32_t crc = 0;
  bool deflated = false;
};

/// The unpacked bytes of an entry: a part of the archive, or `owned`.
struct ZipContent {
  std::span<const std::byte> bytes;
  Tensor owned;
};

/// The entries of a zip archive. They are found through the central directory, which must agree
/// with the local headers; they may not overlap, repeat a name or point outside the archive.
class ZipArchive {
 public:
  /// The archive borrows `bytes`. Errors: kCorrupt, kUnsupported (encrypted, several disks, other
  /// compression), kResourceLimit.
  static Result<ZipArchive> parse(std::span<const std::byte> bytes, std::string_view subject,
                                  std::uint64_t max_entries);

  const std::map<std::string_view, ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;
  /// Unpacks where needed and checks the length and the checksum.
  Result<ZipContent> read(std::string_view name, CopyBudget& budget) const;

 private:
  std::string subject_;
  std::map<std::string_view, ZipEntry> entries_;
};

}  // namespace mien::checkpoint
