#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace mien {

/// Product of two unsigned sizes, or nullopt on overflow.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T out{};
  if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
  return out;
}

/// Sum of two unsigned sizes, or nullopt on overflow.
template <std::unsigned_integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T out{};
  if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
  return out;
}

/// `bytes[offset, offset + size)`, or nullopt when it does not lie inside.
template <class T>
constexpr std::optional<std::span<T>> checked_subspan(std::span<T> bytes, std::uint64_t offset,
                                                      std::uint64_t size) {
  if (offset > bytes.size() || size > bytes.size() - offset) return std::nullopt;
  return bytes.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
}

}  // namespace mien
