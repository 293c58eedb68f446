#include "cli/times.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>

namespace mien::cli {
namespace {

constexpr double kMostSeconds = 1e9;

// Digits with at most one decimal point, nothing else.
bool parse_number(std::string_view text, double& out) {
  if (text.empty() || text.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// "1:02:03.5": the parts after the first are below 60.
bool parse_clock_parts(std::string_view text, double& out) {
  out = 0;
  for (int part = 0; part < 3; ++part) {
    const std::size_t colon = text.find(':');
    const bool last = colon == std::string_view::npos;
    double value = 0;
    const std::string_view digits = text.substr(0, colon);
    if (!parse_number(digits, value) || (part > 0 && value >= 60)) return false;
    if (!last && digits.find('.') != std::string_view::npos) return false;
    out = out * 60 + value;
    if (last) return true;
    text.remove_prefix(colon + 1);
  }
  return false;
}

}  // namespace

Result<std::int64_t> parse_time(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
      {{"ms", 1e-3}, {"min", 60}, {"s", 1}, {"m", 60}, {"h", 3600}}};
  double seconds = 0;
  bool good = parse_clock_parts(text, seconds);
  for (const auto& [unit, factor] : kUnits) {
    if (good) break;
    if (!text.ends_with(unit)) continue;
    good = parse_number(text.substr(0, text.size() - unit.size()), seconds);
    seconds *= factor;
  }
  if (good && seconds <= kMostSeconds) return std::llround(seconds * 1e6);
  return invalid_argument(
      fmt::format("'{}' is not a time (expected seconds, M:SS, H:MM:SS, or a number with ms, s, "
                  "min or h)",
                  text));
}

WallTime wall_time_now() {
  using std::chrono::microseconds;
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  const long east = ::localtime_r(&seconds, &local) != nullptr ? local.tm_gmtoff : 0;
  const auto us = std::chrono::duration_cast<microseconds>(now.time_since_epoch()).count();
  // Historic zones had seconds, which ISO 8601 cannot express.
  return {us + std::int64_t{east / 60 * 60} * 1'000'000, static_cast<int>(east / 60)};
}

}  // namespace mien::cli
