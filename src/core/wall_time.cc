#include "mien/core/wall_time.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdlib>

namespace mien {
namespace {

namespace ch = std::chrono;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kDay = 24 * 60 * kMinute;
constexpr int kMostZoneMinutes = 18 * 60;  // no time zone is farther from UTC

// Reads from the front of a text and removes what it read.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool at_end() const { return text_.empty(); }
  bool skip(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // A number of exactly that many digits; -1: something else.
  int digits(std::size_t count) {
    int out = 0;
    if (text_.size() < count) return -1;
    for (const char c : text_.substr(0, count)) {
      if (c < '0' || c > '9') return -1;
      out = 10 * out + (c - '0');
    }
    text_.remove_prefix(count);
    return out;
  }
  // The digits after a decimal point, in microseconds.
  std::optional<std::int64_t> fraction() {
    std::int64_t out = 0;
    std::int64_t unit = kSecond / 10;
    std::size_t count = 0;
    for (; count < text_.size() && text_[count] >= '0' && text_[count] <= '9'; ++count) {
      out += unit * (text_[count] - '0');
      unit /= 10;
    }
    if (count == 0) return std::nullopt;
    text_.remove_prefix(count);
    return out;
  }

 private:
  std::string_view text_;
};

std::optional<std::int64_t> read_date(Cursor& in) {
  const int year = in.digits(4);
  if (year < 1 || !in.skip("-")) return std::nullopt;
  const int month = in.digits(2);
  if (month < 1 || !in.skip("-")) return std::nullopt;
  const int day = in.digits(2);
  if (day < 1) return std::nullopt;
  const ch::year_month_day date(ch::year(year), ch::month(static_cast<unsigned>(month)),
                                ch::day(static_cast<unsigned>(day)));
  if (!date.ok()) return std::nullopt;
  return ch::sys_days(date).time_since_epoch().count() * kDay;
}

std::optional<std::int64_t> read_time_of_day(Cursor& in) {
  const int hour = in.digits(2);
  if (hour < 0 || hour > 23 || !in.skip(":")) return std::nullopt;
  const int minute = in.digits(2);
  if (minute < 0 || minute > 59) return std::nullopt;
  std::int64_t out = (hour * 60 + minute) * kMinute;
  if (!in.skip(":")) return out;
  const int second = in.digits(2);
  if (second < 0 || second > 59) return std::nullopt;
  out += second * kSecond;
  if (!in.skip(".,")) return out;
  const auto fraction = in.fraction();
  if (!fraction) return std::nullopt;
  return out + *fraction;
}

// False when it is not a time zone.
bool read_zone(Cursor& in, std::optional<int>& out) {
  if (in.at_end()) return true;
  if (in.skip("Zz")) {
    out = 0;
    return in.at_end();
  }
  const int sign = in.skip("+") ? 1 : in.skip("-") ? -1 : 0;
  const int hours = in.digits(2);
  if (sign == 0 || hours < 0) return false;
  int minutes = 0;
  if (!in.at_end()) {
    (void)in.skip(":");
    minutes = in.digits(2);
    if (minutes < 0 || minutes > 59) return false;
  }
  out = sign * (60 * hours + minutes);
  return in.at_end() && std::abs(*out) <= kMostZoneMinutes;
}

struct Parts {
  std::string date;
  std::string time;  // "14:05:00"
  std::int64_t us = 0;
};

Parts parts_of(const WallTime& wall) {
  const ch::sys_time<ch::microseconds> at{ch::microseconds(wall.local_us)};
  const auto day = ch::floor<ch::days>(at);
  const ch::year_month_day date(day);
  const std::int64_t of_day = (at - day).count();
  const std::int64_t seconds = of_day / kSecond;
  return {fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day())),
          fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
          of_day % kSecond};
}

std::string zone_text(const WallTime& wall) {
  if (!wall.zone_minutes) return {};
  const int minutes = std::abs(*wall.zone_minutes);
  return fmt::format("{}{:02}:{:02}", *wall.zone_minutes < 0 ? '-' : '+', minutes / 60,
                     minutes % 60);
}

// Rounded to tenths before it is split: 59.96 s belongs to the next minute.
WallTime to_tenths(const WallTime& wall) {
  constexpr std::int64_t kTenth = kSecond / 10;
  const std::int64_t up = wall.local_us + kTenth / 2;
  const std::int64_t rest = (up % kTenth + kTenth) % kTenth;
  return {up - rest, wall.zone_minutes};
}

}  // namespace

Result<WallTime> parse_wall_time(std::string_view text) {
  Cursor in(text);
  const auto date = read_date(in);
  if (date && in.skip("Tt ")) {
    WallTime out;
    const auto of_day = read_time_of_day(in);
    if (of_day && read_zone(in, out.zone_minutes)) {
      out.local_us = *date + *of_day;
      return out;
    }
  }
  return invalid_argument(
      fmt::format("'{}' is not a date and time (expected 2026-03-01T14:05:00, with .250 for parts "
                  "of a second and Z or +01:00 for the time zone where they are known)",
                  text.substr(0, 100)));
}

std::string to_iso(const WallTime& time) {
  const Parts parts = parts_of(time);
  return fmt::format("{}T{}.{:06}{}", parts.date, parts.time, parts.us, zone_text(time));
}

std::string time_of_day(const WallTime& time, const WallTime& day) {
  const Parts parts = parts_of(to_tenths(time));
  const bool other = parts.date != parts_of(to_tenths(day)).date;
  return fmt::format("{}{}.{}", other ? parts.date + ' ' : "", parts.time,
                     parts.us / (kSecond / 10));
}

std::string date_text(const WallTime& time) {
  const Parts parts = parts_of(to_tenths(time));
  const std::string zone = zone_text(time);
  return fmt::format("{} {}{}{}{}", parts.date, parts.time,
                     parts.us > 0 ? fmt::format(".{}", parts.us / (kSecond / 10)) : "",
                     zone.empty() ? "" : " ", zone);
}

}  // namespace mien
