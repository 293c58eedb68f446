#include "eval/open_set_intervals.h"

#include <algorithm>
#include <span>

#include "mien/core/rng.h"
#include "mien/metrics/bootstrap.h"

namespace mien::eval {
namespace {

// One score, with its samples sorted once: resamples only count them.
class RankedScore {
 public:
  RankedScore(const std::vector<double>& known, const std::vector<double>& unknown)
      : rank_(unknown.size()), sums_(unknown.size() + 1) {
    std::vector<double> sorted = unknown;
    std::sort(sorted.begin(), sorted.end());
    const auto below = [&](double score) {
      return static_cast<std::size_t>(std::lower_bound(sorted.begin(), sorted.end(), score) -
                                      sorted.begin());
    };
    // Equal values share the rank of the first.
    for (std::size_t j = 0; j < unknown.size(); ++j) rank_[j] = below(unknown[j]);
    for (const double score : known) {
      const auto upper = std::upper_bound(sorted.begin(), sorted.end(), score);
      below_.push_back(below(score));
      not_above_.push_back(static_cast<std::size_t>(upper - sorted.begin()));
    }
  }

  /// Percent; `oscr` of the drawn known samples that are right.
  struct Figures {
    double auroc;
    double oscr;
  };
  Figures of(std::span<const std::size_t> known, std::span<const std::size_t> unknown,
             const std::vector<char>& correct) {
    std::fill(sums_.begin(), sums_.end(), 0.0);
    for (const std::size_t j : unknown) sums_[rank_[j] + 1] += 1;
    for (std::size_t i = 1; i < sums_.size(); ++i) sums_[i] += sums_[i - 1];
    double auroc = 0, oscr = 0;
    for (const std::size_t i : known) {
      const double wins = sums_[below_[i]];
      auroc += wins + 0.5 * (sums_[not_above_[i]] - wins);
      oscr += correct[i] != 0 ? wins : 0;
    }
    const double pairs = static_cast<double>(known.size()) * static_cast<double>(unknown.size());
    return {100 * auroc / pairs, 100 * oscr / pairs};
  }

 private:
  std::vector<std::size_t> rank_;  // rank of an unknown sample
  std::vector<std::size_t> below_, not_above_;
  std::vector<double> sums_;
};

void draw(std::vector<std::size_t>& out, Rng& rng) {
  for (std::size_t& i : out) i = static_cast<std::size_t>(rng.below(out.size()));
}

}  // namespace

Status fill_open_set_intervals(const OpenSetAnswers& answers, const ClosedSetOptions& options,
                               OpenSetResult& result) {
  if (options.resamples < 1) {
    return invalid_argument("open set: no resamples (expected at least one)");
  }
  std::vector<RankedScore> ranked;
  for (std::size_t s = 0; s < kOpenSetScores.size(); ++s) {
    ranked.emplace_back(answers.known[s], answers.unknown[s]);
  }
  std::vector<std::size_t> known(answers.truth.size()), unknown(answers.unknown[0].size());
  std::vector<double> acc, uar;
  std::array<std::vector<double>, kOpenSetScores.size()> auroc, oscr;
  Rng rng(options.seed);
  for (int r = 0; r < options.resamples; ++r) {
    draw(known, rng);
    draw(unknown, rng);
    metrics::ConfusionMatrix counts(answers.classes);
    for (const std::size_t i : known) counts.add(answers.truth[i], answers.top[i]);
    MIEN_ASSIGN_OR_RETURN(const double right, metrics::weighted_average_recall(counts));
    MIEN_ASSIGN_OR_RETURN(const auto recalls, metrics::unweighted_average_recall(counts));
    acc.push_back(right);
    uar.push_back(recalls.percent);
    for (std::size_t s = 0; s < ranked.size(); ++s) {
      if (answers.known[s].empty()) continue;  // not requested
      const RankedScore::Figures figures = ranked[s].of(known, unknown, answers.correct);
      auroc[s].push_back(figures.auroc);
      oscr[s].push_back(figures.oscr);
    }
  }
  result.acc_interval = metrics::percentile_interval(std::move(acc));
  result.uar_interval = metrics::percentile_interval(std::move(uar));
  for (std::size_t s = 0; s < ranked.size(); ++s) {
    if (answers.known[s].empty()) continue;
    OpenSetFigures& figures = result.scores[kOpenSetScores[s]];
    figures.auroc_interval = metrics::percentile_interval(std::move(auroc[s]));
    figures.oscr_interval = metrics::percentile_interval(std::move(oscr[s]));
  }
  return {};
}

}  // namespace mien::eval
