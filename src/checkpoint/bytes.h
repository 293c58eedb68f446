#pragma once

#include <bit>
#include <concepts>
#include <cstring>
#include <span>

#include "mien/core/check.h"

namespace mien::checkpoint {

// Tensor bytes are used as they are stored, and every format here is little-endian.
static_assert(std::endian::native == std::endian::little);

/// Little-endian integer at `position`. Precondition: it lies inside `bytes`.
template <std::integral T>
T load_le(std::span<const std::byte> bytes, std::size_t position) {
  MIEN_CHECK(position <= bytes.size() && sizeof(T) <= bytes.size() - position);
  T out;
  std::memcpy(&out, bytes.data() + position, sizeof(T));
  return out;
}

}  // namespace mien::checkpoint
