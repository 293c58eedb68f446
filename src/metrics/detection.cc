#include "mien/metrics/detection.h"
#include "metrics/open_set.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace mien::metrics {
namespace {

struct Sweep {
  std::vector<double> known, unknown;  // still above the threshold, per step
};

Sweep sweep(const OpenSetScores& scores) {
  std::vector<double> known(scores.known.begin(), scores.known.end());
  std::vector<double> unknown(scores.unknown.begin(), scores.unknown.end());
  std::sort(known.begin(), known.end());
  std::sort(unknown.begin(), unknown.end());
  Sweep out;
  std::size_t k = 0, u = 0;
  while (true) {
    out.known.push_back(static_cast<double>(known.size() - k));
    out.unknown.push_back(static_cast<double>(unknown.size() - u));
    if (k == known.size() && u == unknown.size()) return out;
    // When one kind is exhausted, the rest of the other follows.
    if (u < unknown.size() && (k == known.size() || unknown[u] < known[k])) {
      ++u;
    } else {
      ++k;
    }
  }
}

// Trapezoids of y over x; x changes in one direction only.
double area(const std::vector<double>& x, const std::vector<double>& y) {
  double sum = 0;
  for (std::size_t i = 1; i < x.size(); ++i) sum += (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2;
  return std::abs(sum);
}

}  // namespace

Result<DetectionRates> detection_rates(const OpenSetScores& scores) {
  MIEN_RETURN_IF_ERROR(auroc(scores).status());
  const Sweep s = sweep(scores);
  const double all_known = s.known.front(), all_unknown = s.unknown.front();
  DetectionRates out;
  double nearest = 2;
  std::vector<double> in_x = {1}, in_y = {0.5}, out_x = {0}, out_y = {0};
  for (std::size_t i = 0; i < s.known.size(); ++i) {
    const double kept = s.known[i] / all_known, refused = 1 - s.unknown[i] / all_unknown;
    if (std::abs(kept - 0.95) < nearest) {
      nearest = std::abs(kept - 0.95);
      out.tnr_at_95 = 100 * refused;
    }
    out.accuracy = std::max(out.accuracy, 50 * (kept + refused));
    if (const double above = s.known[i] + s.unknown[i]; above > 0) {
      in_x.push_back(kept);
      in_y.push_back(s.known[i] / above);
    }
    const double below = all_known - s.known[i] + all_unknown - s.unknown[i];
    if (below > 0) {
      out_x.push_back(refused);
      out_y.push_back((all_unknown - s.unknown[i]) / below);
    }
  }
  in_x.push_back(0);
  in_y.push_back(0);
  out_x.push_back(1);
  out_y.push_back(0.5);
  out.auin = 100 * area(in_x, in_y);
  out.auout = 100 * area(out_x, out_y);
  return out;
}

}  // namespace mien::metrics
