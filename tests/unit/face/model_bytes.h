#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mien::test {

/// Writes dlib's serialization by hand, so that tests can damage it.
class ModelBytes {
 public:
  ModelBytes& integer(std::int64_t v) {
    std::string digits;
    for (auto rest = static_cast<std::uint64_t>(v < 0 ? -v : v); rest > 0 || digits.empty();
         rest >>= 8U) {
      digits += static_cast<char>(rest & 0xFFU);
    }
    bytes += static_cast<char>(digits.size() | (v < 0 ? 0x80U : 0U));
    bytes += digits;
    return *this;
  }
  ModelBytes& real(float v) {
    int exponent = 0;
    const auto mantissa =
        static_cast<std::int64_t>(std::frexp(static_cast<double>(v), &exponent) * (1 << 24));
    return integer(mantissa).integer(exponent - 24);
  }
  ModelBytes& column(std::initializer_list<float> values) {
    integer(-static_cast<std::int64_t>(values.size())).integer(-1);
    for (const float v : values) real(v);
    return *this;
  }
  std::span<const std::byte> span() const { return std::as_bytes(std::span(bytes)); }

  std::string bytes;
};

struct TinyModel {
  std::int64_t version = 1;
  std::int64_t splits = 1;
  std::int64_t leaves = 2;
  std::int64_t split_pixel = 1;
  std::int64_t anchor = 1;
  std::int64_t anchors = 2;
  std::int64_t deltas = 2;
  std::int64_t forests = 1;

  /// Two points, one cascade of one tree with one split: when pixel 0 is brighter than pixel 1 by
  /// more than 10, everything moves by (0.25, 0), else by (0, 0.5).
  ModelBytes write() const {
    ModelBytes out;
    out.integer(version).column({0.0F, 0.0F, 1.0F, 0.0F});
    out.integer(forests).integer(1).integer(splits);
    for (std::int64_t i = 0; i < splits; ++i) out.integer(0).integer(split_pixel).real(10);
    out.integer(leaves);
    for (std::int64_t i = 0; i < leaves; ++i) {
      if (i == 0) out.column({0.25F, 0.0F, 0.25F, 0.0F});
      if (i != 0) out.column({0.0F, 0.5F, 0.0F, 0.5F});
    }
    out.integer(1).integer(anchors);
    for (std::int64_t i = 0; i < anchors; ++i) out.integer(i == 0 ? 0 : anchor);
    out.integer(1).integer(deltas);
    for (std::int64_t i = 0; i < deltas; ++i) out.real(0).real(0);
    return out;
  }
};

}  // namespace mien::test
