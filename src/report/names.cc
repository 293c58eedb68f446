#include "report/names.h"

#include <cmath>

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

}  // namespace mien::report
