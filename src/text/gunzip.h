#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::text {

bool is_gzip(std::span<const std::byte> bytes);

/// Unpacks gzip data. Errors: kCorrupt (damaged, truncated, bytes after the end), kResourceLimit
/// above `max_bytes` unpacked.
Result<std::string> gunzip(std::span<const std::byte> bytes, std::uint64_t max_bytes,
                           std::string_view subject);

}  // namespace mien::text
