#include <fmt/format.h>

#include <optional>

#include "image/codec.h"

namespace mien::image {
namespace {

bool is_space(std::uint8_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

// Reads the decimal numbers of the header and of the plain formats.
class Scanner {
 public:
  Scanner(Bytes bytes, std::size_t position) : bytes_(bytes), position_(position) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  // Skips spaces and comments, then reads a number; nullopt at the end, at another character or
  // above 9 digits.
  std::optional<std::uint32_t> number() {
    skip_space();
    std::uint32_t out = 0;
    int digits = 0;
    for (; left() > 0 && at() >= '0' && at() <= '9'; ++position_) {
      if (++digits > 9) return std::nullopt;
      out = out * 10 + static_cast<std::uint32_t>(at() - '0');
    }
    if (digits == 0) return std::nullopt;
    return out;
  }

  // The single white space between header and binary samples.
  bool take_space() {
    if (left() == 0 || !is_space(at())) return false;
    ++position_;
    return true;
  }

 private:
  std::uint8_t at() const { return as_u8(bytes_)[position_]; }
  void skip_space() {
    while (left() > 0) {
      if (is_space(at())) {
        ++position_;
      } else if (at() == '#') {
        while (left() > 0 && at() != '\n' && at() != '\r') ++position_;
      } else {
        return;
      }
    }
  }

  Bytes bytes_;
  std::size_t position_;
};

struct Header {
  bool plain = false;
  std::size_t channels = 1;
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t max = 0;

  std::uint64_t samples() const { return std::uint64_t{width} * height * channels; }
};

Result<Header> read_header(Scanner& scanner, char kind, const Limits& limits) {
  Header header;
  header.plain = kind == '2' || kind == '3';
  header.channels = kind == '3' || kind == '6' ? 3 : 1;
  const auto width = scanner.number();
  const auto height = scanner.number();
  if (!width || !height) return corrupt("PPM has a damaged header (expected width and height)");
  MIEN_RETURN_IF_ERROR(check_picture_size(*width, *height, limits));
  const auto max = scanner.number();
  if (!max || *max == 0 || *max > 65535) {
    return corrupt("PPM has a damaged header (expected a maximum of 1 to 65535)");
  }
  header.width = *width;
  header.height = *height;
  header.max = *max;
  return header;
}

// Reads the next sample; nullopt when there are no more.
class Samples {
 public:
  Samples(Bytes bytes, Scanner scanner, const Header& header)
      : scanner_(scanner),
        plain_(header.plain),
        wide_(header.max > 255),
        next_(as_u8(bytes) + scanner.position()) {}

  std::optional<std::uint32_t> next() {
    if (plain_) return scanner_.number();
    // The size of binary data was checked before.
    if (!wide_) return *next_++;
    const std::uint32_t value = (std::uint32_t{next_[0]} << 8) | next_[1];
    next_ += 2;
    return value;
  }

 private:
  Scanner scanner_;
  bool plain_;
  bool wide_;
  const std::uint8_t* next_;
};

}  // namespace

Result<Image> decode_ppm(Bytes bytes, const Limits& limits) {
  const char kind = static_cast<char>(as_u8(bytes)[1]);
  Scanner scanner(bytes, 2);
  MIEN_ASSIGN_OR_RETURN(const Header header, read_header(scanner, kind, limits));
  if (!scanner.take_space()) return corrupt("PPM is truncated (expected samples)");
  // A plain sample takes a digit and a space; the last one may end with the file.
  const std::uint64_t needed =
      header.plain ? header.samples() * 2 - 1 : header.samples() * (header.max > 255 ? 2 : 1);
  MIEN_RETURN_IF_ERROR(check_enough_bytes(scanner.left(), needed, "PPM"));

  Image image(static_cast<int>(header.width), static_cast<int>(header.height));
  Samples samples(bytes, scanner, header);
  std::uint8_t* out = image.row(0);
  for (std::uint64_t i = 0; i < header.samples(); ++i) {
    const auto value = samples.next();
    if (!value) {
      return corrupt(
          fmt::format("PPM is truncated (expected {} samples, got {})", header.samples(), i));
    }
    if (*value > header.max) {
      return corrupt(fmt::format("PPM has sample {} (expected at most {})", *value, header.max));
    }
    const auto scaled = static_cast<std::uint8_t>((*value * 255 + header.max / 2) / header.max);
    for (std::size_t copies = header.channels == 1 ? 3 : 1; copies > 0; --copies) *out++ = scaled;
  }
  return image;
}

}  // namespace mien::image
