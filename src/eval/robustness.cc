#include "eval/robustness.h"

#include <fmt/format.h>

#include "eval/interval_json.h"

namespace mien::eval {

Status Robustness::add(std::string corruption, int level, const RunResult& result) {
  MIEN_ASSIGN_OR_RETURN(ClosedSetReport report,
                        closed_set_report(result.classes, result.predictions, options_));
  const bool first = report_.runs.empty();
  if (!first && result.predictions.size() != ids_.size()) {
    return invalid_argument(
        fmt::format("{} {}: {} samples (expected the {} of the original pictures)", corruption,
                    level, result.predictions.size(), ids_.size()));
  }
  for (std::size_t i = 0; i < result.predictions.size(); ++i) {
    const Prediction& row = result.predictions[i];
    const double right = row.top() == row.truth ? 100 : 0;
    if (first) {
      ids_.push_back(row.id);
      clean_.push_back(right);
      corrupted_.push_back(0);
    } else if (row.id != ids_[i]) {
      return invalid_argument(
          fmt::format("{} {}: sample '{}' (expected '{}', as in the original pictures)", corruption,
                      level, row.id, ids_[i]));
    } else {
      corrupted_[i] += right;
    }
  }
  report_.runs.push_back({std::move(corruption), level, std::move(report)});
  return {};
}

Result<RobustnessReport> Robustness::finish() {
  if (report_.runs.size() < 2) {
    return invalid_argument("robustness: no corrupted runs (expected at least one)");
  }
  const auto corrupted_runs = static_cast<double>(report_.runs.size() - 1);
  for (const CorruptedRun& run : report_.runs) {
    if (&run != &report_.runs.front()) report_.corrupted_war += run.report.war / corrupted_runs;
  }
  report_.war = report_.runs.front().report.war;
  report_.drop = report_.war - report_.corrupted_war;
  const auto mean = [&](std::span<const std::size_t> drawn, double clean, double corrupted) {
    double sum = 0;
    for (const std::size_t i : drawn) sum += clean * clean_[i] + corrupted * corrupted_[i];
    return Result<double>(sum / static_cast<double>(drawn.size()));
  };
  Rng rng(options_.seed);
  MIEN_ASSIGN_OR_RETURN(
      report_.corrupted_war_interval,
      metrics::bootstrap(ids_.size(),
                         [&](auto drawn) { return mean(drawn, 0, 1 / corrupted_runs); }, rng,
                         {.resamples = options_.resamples}));
  MIEN_ASSIGN_OR_RETURN(
      report_.drop_interval,
      metrics::bootstrap(ids_.size(),
                         [&](auto drawn) { return mean(drawn, 1, -1 / corrupted_runs); }, rng,
                         {.resamples = options_.resamples}));
  return std::move(report_);
}

Json RobustnessReport::to_json() const {
  Json list = Json::array();
  for (const CorruptedRun& run : runs) {
    list.push_back(Json::Object{{"corruption", run.corruption},
                                {"level", run.level},
                                {"n", run.report.samples},
                                {"war", run.report.war},
                                {"war_interval", interval_json(run.report.war_interval)},
                                {"uar", run.report.uar.percent},
                                {"uar_interval", interval_json(run.report.uar_interval)}});
  }
  return Json::Object{{"war", war},
                      {"war_interval", interval_json(runs.front().report.war_interval)},
                      {"spoiled_war", corrupted_war},
                      {"spoiled_war_interval", interval_json(corrupted_war_interval)},
                      {"drop", drop},
                      {"drop_interval", interval_json(drop_interval)},
                      {"runs", std::move(list)}};
}

}  // namespace mien::eval
