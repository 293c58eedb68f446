#include "report/names.h"

#include <cmath>

#include "report/table.h"

namespace mien::report {

std::string percent(double probability) {
  if (!std::isfinite(probability)) return {};
  const double value = std::fmin(std::fmax(probability, 0.0), 1.0) * 100;
  if (value > 0 && value < 0.5) return "<1%";
  return std::to_string(std::lround(value)) + "%";
}

std::string points(double change) {
  if (!std::isfinite(change)) return {};
  const long value = std::lround(std::fmin(std::fmax(change, -1.0), 1.0) * 100);
  std::string out = value > 0 ? "+" : "";
  return out.append(std::to_string(value));
}

std::string span_text(std::int64_t from_us, std::int64_t to_us,
                      const std::optional<WallTime>& clock) {
  std::string out = instant_text(from_us, {}) + " to " + instant_text(to_us, {});
  if (!clock) return out;
  return out + " (" + clock_span_text(from_us, to_us, *clock) + ')';
}

std::string clock_span_text(std::int64_t from_us, std::int64_t to_us, const WallTime& clock) {
  const WallTime from = clock.after(from_us);
  return time_of_day(from, clock) + " to " + time_of_day(clock.after(to_us), from);
}

std::string instant_text(std::int64_t us, const std::optional<WallTime>& clock) {
  return clock ? time_of_day(clock->after(us), *clock) : clock_text(static_cast<double>(us) / 1e6);
}

}  // namespace mien::report
