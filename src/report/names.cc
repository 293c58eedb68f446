#include "report/names.h"

#include <cmath>

namespace mien::report {

std::string percent(double probability) {
  if (!std::isfinite(probability)) return {};
  const double value = std::fmin(std::fmax(probability, 0.0), 1.0) * 100;
  if (value > 0 && value < 0.5) return "<1%";
  return std::to_string(std::lround(value)) + "%";
}

}  // namespace mien::report
