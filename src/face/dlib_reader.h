#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mien::face {

/// Reads the integers and floating point numbers of dlib's serialization: a control byte (number of
/// bytes, sign in the top bit), then that many bytes, lowest first; a real number is a mantissa and
/// a power of two. After the first error every read returns 0 and failed() stays true.
class DlibReader {
 public:
  explicit DlibReader(std::span<const std::byte> bytes)
      : begin_(reinterpret_cast<const std::uint8_t*>(bytes.data())),
        at_(begin_),
        end_(begin_ + bytes.size()) {}

  std::int64_t integer();
  /// A size that is followed by at least `bytes_each` bytes per element; fails when the rest of the
  /// file is too short for them.
  std::size_t count(std::size_t bytes_each);
  /// Infinities and NaN fail.
  float real();
  /// A dense matrix header (dlib writes the sizes negated); fails unless it is rows x 1.
  std::size_t column_rows();

  bool failed() const { return failed_; }
  std::size_t position() const { return static_cast<std::size_t>(at_ - begin_); }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

 private:
  std::int64_t fail() {
    failed_ = true;
    at_ = end_;
    return 0;
  }

  const std::uint8_t* begin_;
  const std::uint8_t* at_;
  const std::uint8_t* end_;
  bool failed_ = false;
};

}  // namespace mien::face
