#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien {

/// One regular file of a tar archive; `bytes` points into the archive.
struct TarEntry {
  std::string name;
  std::span<const std::byte> bytes;
};

/// The regular files of an uncompressed tar (ustar, GNU long names, pax paths); folders are left
/// out, links are an error. Errors: kCorrupt (checksum, sizes beyond the archive), kUnsupported
/// (links, sparse files), kResourceLimit (max_tensors entries).
Result<std::vector<TarEntry>> parse_tar(std::span<const std::byte> archive,
                                        std::string_view subject, const Limits& limits = {});

}  // namespace mien
