#include "mien/metrics/roc.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

namespace mien::metrics {

Result<std::vector<RocPoint>> roc_curve(std::span<const double> scores,
                                        std::span<const char> positive) {
  const auto positives =
      std::count_if(positive.begin(), positive.end(), [](char p) { return p != 0; });
  const auto negatives = static_cast<std::int64_t>(positive.size()) - positives;
  if (scores.size() != positive.size() || positives == 0 || negatives == 0) {
    return invalid_argument(
        fmt::format("ROC: {} scores, {} positives, {} negatives (expected one score per sample, at "
                    "least one of each)",
                    scores.size(), positives, negatives));
  }
  if (std::any_of(scores.begin(), scores.end(), [](double v) { return std::isnan(v); })) {
    return invalid_argument("ROC: a score is not a number");
  }
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  struct Count {
    std::int64_t negatives = 0, positives = 0;
  };
  std::vector<Count> corners = {{}};
  Count now;
  for (std::size_t i = 0; i < order.size(); ++i) {
    ++(positive[order[i]] != 0 ? now.positives : now.negatives);
    if (i + 1 < order.size() && scores[order[i + 1]] == scores[order[i]]) continue;
    if (corners.size() >= 2) {  // the last point lies between its neighbours on a line
      const Count& a = corners[corners.size() - 2];
      const Count& b = corners.back();
      if ((b.positives - a.positives) * (now.negatives - b.negatives) ==
          (now.positives - b.positives) * (b.negatives - a.negatives)) {
        corners.pop_back();
      }
    }
    corners.push_back(now);
  }
  std::vector<RocPoint> out;
  for (const Count& c : corners) {
    out.push_back({static_cast<double>(c.negatives) / static_cast<double>(negatives),
                   static_cast<double>(c.positives) / static_cast<double>(positives)});
  }
  return out;
}

double area_under(std::span<const RocPoint> curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    sum += (curve[i].false_positive - curve[i - 1].false_positive) *
           (curve[i].true_positive + curve[i - 1].true_positive) / 2;
  }
  return 100 * sum;
}

}  // namespace mien::metrics
