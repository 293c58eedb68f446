#include "mien/eval/closed_set.h"

#include <fmt/format.h>

#include <algorithm>

#include "eval/interval_json.h"

namespace mien::eval {
namespace {

Status check(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions) {
  if (classes.empty() || predictions.empty()) {
    return invalid_argument(
        fmt::format("evaluation: {} classes, {} samples (expected at least one)", classes.size(),
                    predictions.size()));
  }
  for (const Prediction& row : predictions) {
    if (row.probabilities.size() != classes.size() || row.truth >= classes.size()) {
      return invalid_argument(
          fmt::format("{}: class {} and {} scores (expected one of, and one per, {} classes)",
                      row.id, row.truth, row.probabilities.size(), classes.size()));
    }
  }
  return {};
}

Status fill_intervals(ClosedSetReport& report, const std::vector<std::size_t>& truth,
                      const std::vector<std::size_t>& top, const ClosedSetOptions& options) {
  const auto resampled = [&](std::span<const std::size_t> drawn) {
    metrics::ConfusionMatrix counts(report.classes.size());
    for (const std::size_t i : drawn) counts.add(truth[i], top[i]);
    return counts;
  };
  Rng rng(options.seed);
  MIEN_ASSIGN_OR_RETURN(
      report.war_interval,
      metrics::bootstrap(truth.size(),
                         [&](std::span<const std::size_t> drawn) {
                           return metrics::weighted_average_recall(resampled(drawn));
                         },
                         rng, {.resamples = options.resamples}));
  MIEN_ASSIGN_OR_RETURN(
      report.uar_interval,
      metrics::bootstrap(truth.size(),
                         [&](std::span<const std::size_t> drawn) -> Result<double> {
                           MIEN_ASSIGN_OR_RETURN(const auto uar, metrics::unweighted_average_recall(
                                                                     resampled(drawn)));
                           return uar.percent;
                         },
                         rng, {.resamples = options.resamples}));
  return {};
}

}  // namespace

std::size_t Prediction::top() const {
  return static_cast<std::size_t>(std::max_element(probabilities.begin(), probabilities.end()) -
                                  probabilities.begin());
}

Result<ClosedSetReport> closed_set_report(const std::vector<std::string>& classes,
                                          const std::vector<Prediction>& predictions,
                                          const ClosedSetOptions& options) {
  MIEN_RETURN_IF_ERROR(check(classes, predictions));
  ClosedSetReport out;
  out.classes = classes;
  out.samples = static_cast<std::int64_t>(predictions.size());
  out.confusion = metrics::ConfusionMatrix(classes.size());
  std::vector<std::size_t> truth, top;
  std::vector<double> scores, confidence;
  std::vector<char> correct;
  for (const Prediction& row : predictions) {
    truth.push_back(row.truth);
    top.push_back(row.top());
    out.confusion.add(row.truth, top.back());
    scores.insert(scores.end(), row.probabilities.begin(), row.probabilities.end());
    // Sums of float probabilities may be slightly above one.
    confidence.push_back(std::clamp(row.probabilities[top.back()], 0.0, 1.0));
    correct.push_back(top.back() == row.truth ? 1 : 0);
  }
  MIEN_ASSIGN_OR_RETURN(out.war, metrics::weighted_average_recall(out.confusion));
  MIEN_ASSIGN_OR_RETURN(out.uar, metrics::unweighted_average_recall(out.confusion));
  MIEN_ASSIGN_OR_RETURN(out.macro_f1, metrics::macro_f1(out.confusion));
  MIEN_ASSIGN_OR_RETURN(out.top2, metrics::top_k_accuracy(scores, classes.size(), truth, 2));
  MIEN_ASSIGN_OR_RETURN(out.calibration, metrics::calibration(confidence, correct));
  MIEN_RETURN_IF_ERROR(fill_intervals(out, truth, top, options));
  return out;
}

Json ClosedSetReport::to_json() const {
  Json out = Json::object();
  out.set("n", samples);
  out.set("war", war);
  out.set("war_interval", interval_json(war_interval));
  out.set("uar", uar.percent);
  out.set("uar_interval", interval_json(uar_interval));
  out.set("macro_f1", macro_f1.percent);
  out.set("top2", top2);
  out.set("ece", calibration.ece_percent);
  Json names = Json::array();
  Json recall = Json::object();
  Json matrix = Json::array();
  for (std::size_t c = 0; c < classes.size(); ++c) {
    names.push_back(classes[c]);
    recall.set(classes[c], uar.per_class[c] ? Json(*uar.per_class[c]) : Json());
    Json row = Json::array();
    for (std::size_t p = 0; p < classes.size(); ++p) row.push_back(confusion.at(c, p));
    matrix.push_back(std::move(row));
  }
  Json absent = Json::array();
  for (const std::size_t c : uar.absent) absent.push_back(classes[c]);
  out.set("classes", std::move(names));
  out.set("recall", std::move(recall));
  out.set("absent", std::move(absent));
  out.set("confusion", std::move(matrix));
  return out;
}

}  // namespace mien::eval
