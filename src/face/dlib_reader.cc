#include "face/dlib_reader.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace mien::face {
namespace {

constexpr int kLargestExponent = 400;  // far outside the range of a float
constexpr double kLargestFloat = 3.4e38;

const std::array<double, 2 * kLargestExponent + 1> kPowersOfTwo = [] {
  std::array<double, 2 * kLargestExponent + 1> out{};
  for (int i = -kLargestExponent; i <= kLargestExponent; ++i) {
    out[static_cast<std::size_t>(i + kLargestExponent)] = std::ldexp(1.0, i);
  }
  return out;
}();

}  // namespace

std::int64_t DlibReader::integer() {
  if (at_ == end_) return fail();
  const std::uint8_t control = *at_;
  const unsigned size = control & 0x0FU;
  if ((control & 0x70U) != 0 || size == 0 || size > 8 || left() < size + 1U) return fail();
  std::uint64_t value = 0;
  if (left() >= 9 && std::endian::native == std::endian::little) {
    std::memcpy(&value, at_ + 1, 8);
    value &= ~std::uint64_t{0} >> (64U - 8U * size);
  } else {
    for (unsigned i = size; i > 0; --i) value = value << 8U | at_[i];
  }
  at_ += size + 1;
  if (value > static_cast<std::uint64_t>(INT64_MAX)) return fail();
  const auto magnitude = static_cast<std::int64_t>(value);
  return (control & 0x80U) != 0 ? -magnitude : magnitude;
}

std::size_t DlibReader::count(std::size_t bytes_each) {
  const std::int64_t value = integer();
  if (value < 0 || static_cast<std::uint64_t>(value) > left() / bytes_each) {
    return static_cast<std::size_t>(fail());
  }
  return static_cast<std::size_t>(value);
}

float DlibReader::real() {
  // Nearly all of a model consists of numbers of this form: up to 4 bytes of mantissa, 1 of
  // exponent.
  if (left() >= 16 && std::endian::native == std::endian::little) {
    const unsigned size = at_[0] & 0x7FU;
    if (size >= 1 && size <= 4 && (at_[size + 1] & 0x7FU) == 1) {
      std::uint64_t word = 0;
      std::memcpy(&word, at_ + 1, 8);
      const auto magnitude =
          static_cast<std::int64_t>(word & (~std::uint64_t{0} >> (64U - 8U * size)));
      const int power = at_[size + 2];
      const bool minus = (at_[0] & 0x80U) != 0;
      const bool shrinks = (at_[size + 1] & 0x80U) != 0;
      at_ += size + 3;
      const double value =
          static_cast<double>(minus ? -magnitude : magnitude) *
          kPowersOfTwo[static_cast<std::size_t>(kLargestExponent + (shrinks ? -power : power))];
      if (std::abs(value) <= kLargestFloat) return static_cast<float>(value);
      return static_cast<float>(fail());
    }
  }
  const std::int64_t mantissa = integer();
  const std::int64_t exponent = integer();
  if (exponent < -kLargestExponent || exponent > kLargestExponent) {
    return static_cast<float>(fail());
  }
  const double value = static_cast<double>(mantissa) *
                       kPowersOfTwo[static_cast<std::size_t>(exponent + kLargestExponent)];
  if (!(std::abs(value) <= kLargestFloat)) return static_cast<float>(fail());
  return static_cast<float>(value);
}

std::size_t DlibReader::column_rows() {
  const std::int64_t rows = integer();
  const std::int64_t columns = integer();
  if (rows >= 0 || columns != -1 || static_cast<std::uint64_t>(-rows) > left() / 4) {
    return static_cast<std::size_t>(fail());
  }
  return static_cast<std::size_t>(-rows);
}

}  // namespace mien::face
