#include "core/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/checked.h"

namespace mien {
namespace {

constexpr std::size_t kBlock = 512;

std::string_view field(std::span<const std::byte> header, std::size_t offset, std::size_t size) {
  const auto* text = reinterpret_cast<const char*>(header.data()) + offset;
  return {text, ::strnlen(text, size)};
}

// Octal text, or big-endian base 256 when the first bit is set.
std::optional<std::uint64_t> number(std::span<const std::byte> header, std::size_t offset,
                                    std::size_t size) {
  std::uint64_t value = 0;
  if ((header[offset] & std::byte{0x80}) != std::byte{0}) {
    for (std::size_t i = 1; i < size; ++i) {
      if (value >> 55 != 0) return std::nullopt;
      value = value << 8 | std::to_integer<std::uint64_t>(header[offset + i]);
    }
    return value;
  }
  bool digits = false;
  for (const char c : field(header, offset, size)) {
    if (c == ' ' && !digits) continue;
    if (c == ' ') break;
    if (c < '0' || c > '7' || value >> 60 != 0) return std::nullopt;
    value = value << 3 | static_cast<std::uint64_t>(c - '0');
    digits = true;
  }
  return digits ? std::optional(value) : std::nullopt;
}

bool checksum_fits(std::span<const std::byte> header) {
  const auto stored = number(header, 148, 8);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) {
    sum += i >= 148 && i < 156 ? std::uint64_t{' '} : std::to_integer<std::uint64_t>(header[i]);
  }
  return stored == sum;
}

// The `path` record of a pax header: lines "LENGTH key=value\n".
std::optional<std::string> pax_path(std::span<const std::byte> body) {
  std::string_view text(reinterpret_cast<const char*>(body.data()), body.size());
  std::optional<std::string> found;
  while (!text.empty()) {
    std::size_t length = 0;
    std::size_t i = 0;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9' && length <= text.size()) {
      length = length * 10 + static_cast<std::size_t>(text[i++] - '0');
    }
    if (i == 0 || i >= text.size() || text[i] != ' ' || length <= i + 1 || length > text.size()) {
      break;
    }
    const std::string_view record = text.substr(i + 1, length - i - 2);
    if (record.starts_with("path=")) found = std::string(record.substr(5));
    text.remove_prefix(length);
  }
  return found;
}

}  // namespace

Result<std::vector<TarEntry>> parse_tar(std::span<const std::byte> archive,
                                        std::string_view subject, const Limits& limits) {
  std::vector<TarEntry> out;
  std::optional<std::string> long_name;
  std::size_t at = 0;
  while (true) {
    const auto header = checked_subspan(archive, at, kBlock);
    if (!header) {
      if (at == archive.size() && !out.empty())
        break;  // some writers leave the final zero blocks out
      return corrupt(fmt::format("{}: tar archive ends inside a header", subject));
    }
    if (std::all_of(header->begin(), header->end(), [](std::byte b) { return b == std::byte{0}; }))
      break;
    const auto size = number(*header, 124, 12);
    if (!checksum_fits(*header) || !size) {
      return corrupt(fmt::format("{}: broken tar header at byte {}", subject, at));
    }
    const auto body = checked_subspan(archive, at + kBlock, *size);
    if (!body) {
      return corrupt(
          fmt::format("{}: tar entry at byte {} is longer than the archive", subject, at));
    }
    const char type = static_cast<char>((*header)[156]);
    if (type == 'x') {
      if (auto path = pax_path(*body)) long_name = std::move(path);
    } else if (type == 'L') {
      long_name = std::string(field(*body, 0, body->size()));
    } else if (type == '0' || type == '\0') {
      std::string name(field(*header, 0, 100));
      if (const auto prefix = field(*header, 345, 155);
          !prefix.empty() && field(*header, 257, 5) == "ustar" && (*header)[262] == std::byte{0}) {
        name = std::string(prefix) + "/" + name;
      }
      if (long_name) name = *long_name;
      long_name.reset();
      if (out.size() >= limits.max_tensors) {
        return resource_limit(fmt::format("{}: too many tar entries (expected at most {})", subject,
                                          limits.max_tensors));
      }
      out.push_back({std::move(name), *body});
    } else if (type == '5' || type == 'g') {
      long_name.reset();
    } else {
      return unsupported(fmt::format(
          "{}: tar entry of type '{}' at byte {} (expected regular files)", subject, type, at));
    }
    at += kBlock + static_cast<std::size_t>((*size + kBlock - 1) / kBlock * kBlock);
    at = std::min(at, archive.size());
  }
  return out;
}

}  // namespace mien
