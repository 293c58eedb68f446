#include "metrics/open_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>
#include <vector>

namespace mien::metrics {
namespace {

Status check_scores(const OpenSetScores& scores) {
  const auto bad = [](double v) { return std::isnan(v); };
  if (scores.known.empty() || scores.unknown.empty()) {
    return invalid_argument(
        fmt::format("open set: {} known and {} unknown samples (expected at least one of each)",
                    scores.known.size(), scores.unknown.size()));
  }
  if (std::any_of(scores.known.begin(), scores.known.end(), bad) ||
      std::any_of(scores.unknown.begin(), scores.unknown.end(), bad)) {
    return invalid_argument("open set: a score is not a number");
  }
  return {};
}

Status check_scores(const OpenSetScores& scores, std::span<const char> correct) {
  MIEN_RETURN_IF_ERROR(check_scores(scores));
  if (correct.size() != scores.known.size()) {
    return invalid_argument(fmt::format("open set: {} outcomes for {} known samples",
                                        correct.size(), scores.known.size()));
  }
  return {};
}

std::vector<double> sorted(std::span<const double> values) {
  std::vector<double> out(values.begin(), values.end());
  std::sort(out.begin(), out.end());
  return out;
}

// Pairs (i, j) with known_i above unknown_j, ties weighted, over all pairs; `weight` per known.
template <class Weight>
double pairs_above(const OpenSetScores& scores, double tie, Weight weight) {
  const std::vector<double> unknown = sorted(scores.unknown);
  double sum = 0;
  for (std::size_t i = 0; i < scores.known.size(); ++i) {
    const auto below = std::lower_bound(unknown.begin(), unknown.end(), scores.known[i]);
    const auto above = std::upper_bound(below, unknown.end(), scores.known[i]);
    sum += weight(i) * (static_cast<double>(below - unknown.begin()) +
                        tie * static_cast<double>(above - below));
  }
  return sum / (static_cast<double>(scores.known.size()) * static_cast<double>(unknown.size()));
}

}  // namespace

Result<double> auroc(const OpenSetScores& scores) {
  MIEN_RETURN_IF_ERROR(check_scores(scores));
  return 100.0 * pairs_above(scores, 0.5, [](std::size_t) { return 1.0; });
}

Result<double> auroc_strict(const OpenSetScores& scores) {
  MIEN_RETURN_IF_ERROR(check_scores(scores));
  return 100.0 * pairs_above(scores, 0.0, [](std::size_t) { return 1.0; });
}

Result<double> oscr(const OpenSetScores& scores, std::span<const char> correct) {
  MIEN_RETURN_IF_ERROR(check_scores(scores, correct));
  return pairs_above(scores, 0.0, [&](std::size_t i) { return correct[i] != 0 ? 1.0 : 0.0; });
}

Result<double> aupr(const OpenSetScores& scores) {
  MIEN_RETURN_IF_ERROR(check_scores(scores));
  const std::vector<double> known = sorted(scores.known);
  const std::vector<double> unknown = sorted(scores.unknown);
  double area = 0;
  // Every distinct known score is a threshold; recall grows by the known samples that have it.
  for (auto it = known.begin(); it != known.end();) {
    const auto next = std::upper_bound(it, known.end(), *it);
    const auto accepted = static_cast<double>(known.end() - it);
    const auto alarms =
        static_cast<double>(unknown.end() - std::lower_bound(unknown.begin(), unknown.end(), *it));
    area += static_cast<double>(next - it) * accepted / (accepted + alarms);
    it = next;
  }
  return 100.0 * area / static_cast<double>(known.size());
}

Result<double> fpr_at_tpr(const OpenSetScores& scores, double tpr_percent) {
  MIEN_RETURN_IF_ERROR(check_scores(scores));
  if (!(tpr_percent > 0 && tpr_percent <= 100)) {
    return invalid_argument(fmt::format("open set: rate of {} % (expected 0..100)", tpr_percent));
  }
  const std::vector<double> known = sorted(scores.known);
  const auto wanted = static_cast<std::size_t>(
      std::ceil(tpr_percent / 100.0 * static_cast<double>(known.size()) - 1e-9));
  const double threshold = known[known.size() - std::max<std::size_t>(wanted, 1)];
  const auto accepted = std::count_if(scores.unknown.begin(), scores.unknown.end(),
                                      [&](double v) { return v >= threshold; });
  return 100.0 * static_cast<double>(accepted) / static_cast<double>(scores.unknown.size());
}

Result<double> oscr_code(const OpenSetScores& scores, std::span<const char> correct) {
  MIEN_RETURN_IF_ERROR(check_scores(scores, correct));
  const std::size_t known = scores.known.size();
  const std::size_t total = known + scores.unknown.size();
  const auto score_of = [&](std::size_t i) {
    return i < known ? scores.known[i] : scores.unknown[i - known];
  };
  std::vector<std::size_t> order(total);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return score_of(a) < score_of(b); });
  // Correct answers and unknown samples from each position to the end.
  std::vector<double> right(total + 1), alarms(total + 1);
  for (std::size_t k = total; k-- > 0;) {
    const std::size_t i = order[k];
    right[k] = right[k + 1] + (i < known && correct[i] != 0 ? 1.0 : 0.0);
    alarms[k] = alarms[k + 1] + (i < known ? 0.0 : 1.0);
  }
  std::vector<std::pair<double, double>> points = {{0, 0}, {0, 0}, {1, 1}};  // FPR, CCR
  for (std::size_t k = 0; k + 1 < total; ++k) {
    points.emplace_back(alarms[k] / static_cast<double>(scores.unknown.size()),
                        right[k + 1] / static_cast<double>(known));
  }
  std::sort(points.rbegin(), points.rend());
  double area = 0;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    area += (points[i].first - points[i + 1].first) * (points[i].second + points[i + 1].second) / 2;
  }
  return area;
}

Result<std::vector<RocPoint>> oscr_curve(const OpenSetScores& scores,
                                         std::span<const char> correct) {
  MIEN_RETURN_IF_ERROR(check_scores(scores, correct));
  struct Event {
    double score;
    double unknown;
    double right;
  };
  std::vector<Event> events;
  for (std::size_t i = 0; i < scores.known.size(); ++i) {
    events.push_back({scores.known[i], 0, correct[i] != 0 ? 1.0 : 0.0});
  }
  for (const double score : scores.unknown) events.push_back({score, 1, 0});
  std::sort(events.begin(), events.end(),
            [](const Event& a, const Event& b) { return a.score > b.score; });
  std::vector<RocPoint> out = {{}};
  double unknown = 0, right = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    unknown += events[i].unknown;
    right += events[i].right;
    if (i + 1 < events.size() && events[i + 1].score == events[i].score) continue;
    out.push_back({unknown / static_cast<double>(scores.unknown.size()),
                   right / static_cast<double>(scores.known.size())});
  }
  return out;
}

}  // namespace mien::metrics
