#include "serve/target.h"

#include <fmt/format.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "core/utf8.h"

namespace mien::serve {
namespace {

constexpr std::size_t kMostPairs = 64;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

constexpr std::uint8_t kNoDigit = 255;

constexpr std::array<std::uint8_t, 256> base64_digits() {
  std::array<std::uint8_t, 256> out{};
  for (auto& value : out) value = kNoDigit;
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    out[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  out['+'] = out['-'] = 62;
  out['/'] = out['_'] = 63;
  return out;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '+' && plus) {
      c = ' ';
    } else if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0) return invalid_argument("target: broken escape (expected % and two digits)");
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      return invalid_argument("target: control character (expected text)");
    }
    out.push_back(c);
  }
  if (!is_valid_utf8(out)) return invalid_argument("target: ill-formed UTF-8");
  return out;
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return invalid_argument("target: is not a path (expected it to start with a slash)");
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = target.find('?');
  Target out;
  MIEN_ASSIGN_OR_RETURN(out.path, percent_decode(target.substr(0, mark), false));
  if (mark == std::string_view::npos) return out;
  std::string_view query = target.substr(mark + 1);
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    if (out.query.size() == kMostPairs) {
      return resource_limit(
          fmt::format("target: too many parameters (expected at most {})", kMostPairs));
    }
    const std::size_t sign = pair.find('=');
    MIEN_ASSIGN_OR_RETURN(std::string name, percent_decode(pair.substr(0, sign), true));
    std::string value;
    if (sign != std::string_view::npos) {
      MIEN_ASSIGN_OR_RETURN(value, percent_decode(pair.substr(sign + 1), true));
    }
    out.query.emplace_back(std::move(name), std::move(value));
  }
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  static constexpr std::array<std::uint8_t, 256> kDigits = base64_digits();
  if (text.starts_with("data:")) {
    const std::size_t comma = text.find(',');
    if (comma == std::string_view::npos || !text.substr(0, comma).ends_with(";base64")) {
      return invalid_argument("base64: broken data URL (expected data:TYPE;base64,...)");
    }
    text.remove_prefix(comma + 1);
  }
  while (!text.empty() &&
         (text.back() == '=' || std::isspace(static_cast<unsigned char>(text.back())) != 0)) {
    text.remove_suffix(1);
  }
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) {
      if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
      return invalid_argument("base64: character that is not a digit");
    }
    bits = bits << 6 | digit;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out.push_back(static_cast<char>(bits >> count & 0xFF));
    bits &= (1U << count) - 1;
  }
  if (count >= 6) return invalid_argument("base64: ends in the middle of a byte");
  return out;
}

std::string media_type(std::string_view header) {
  return lower(trimmed(header.substr(0, header.find(';'))));
}

std::string header_parameter(std::string_view header, std::string_view name) {
  std::size_t at = header.find(';');
  while (at != std::string_view::npos && at < header.size()) {
    ++at;
    const std::size_t sign = header.find('=', at);
    if (sign == std::string_view::npos) return {};
    const std::string key = lower(trimmed(header.substr(at, sign - at)));
    std::string value;
    at = sign + 1;
    if (at < header.size() && header[at] == '"') {
      for (++at; at < header.size() && header[at] != '"'; ++at) {
        if (header[at] == '\\' && at + 1 < header.size()) ++at;
        value.push_back(header[at]);
      }
      at = header.find(';', at);
    } else {
      const std::size_t end = header.find(';', at);
      value = trimmed(header.substr(at, end - at));
      at = end;
    }
    if (key == name) return value;
  }
  return {};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  // The length of the secret may show; its content may not.
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return lower(host.substr(1, host.find(']') - 1));
  return lower(host.substr(0, host.find(':')));
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host == "::1") return true;
  if (!host.starts_with("127.")) return false;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

}  // namespace mien::serve
