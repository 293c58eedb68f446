#include "eval/left_out.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "eval/interval_json.h"
#include "metrics/open_set.h"
#include "mien/eval/open_set.h"

namespace mien::eval {
namespace {

struct LeftOutFigures {
  double war = 0;
  double uar = 0;
};

// Of `right` samples per class.
LeftOutFigures left_out_figures(const std::vector<LeftOutClass>& classes,
                                const std::vector<std::int64_t>& right) {
  LeftOutFigures out;
  double all_right = 0, all = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto samples = static_cast<double>(classes[c].samples);
    if (samples > 0) out.uar += 100 * static_cast<double>(right[c]) / samples;
    all_right += static_cast<double>(right[c]);
    all += samples;
  }
  if (all > 0) out.war = 100 * all_right / all;
  if (!classes.empty()) out.uar /= static_cast<double>(classes.size());
  return out;
}

// Over the classes that have one.
std::optional<double> mean_of(const std::vector<LeftOutClass>& classes,
                              std::optional<double> LeftOutClass::*figure) {
  double sum = 0;
  int count = 0;
  for (const LeftOutClass& item : classes) {
    if (!(item.*figure)) continue;
    sum += *(item.*figure);
    ++count;
  }
  return count == 0 ? std::optional<double>() : sum / count;
}

Json json_or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

LeftOutFigures left_out_figures(const std::vector<LeftOutClass>& classes) {
  std::vector<std::int64_t> right;
  for (const LeftOutClass& item : classes) right.push_back(item.correct);
  return left_out_figures(classes, right);
}

}  // namespace

double LeftOutClass::recall() const {
  return samples == 0 ? 0 : 100 * static_cast<double>(correct) / static_cast<double>(samples);
}

double LeftOutReport::uar() const { return left_out_figures(left_out).uar; }

std::optional<double> LeftOutReport::auroc() const {
  return mean_of(left_out, &LeftOutClass::auroc);
}

std::optional<double> LeftOutReport::outlier_auroc() const {
  return mean_of(left_out, &LeftOutClass::outlier_auroc);
}

double LeftOutReport::war() const { return left_out_figures(left_out).war; }

Json LeftOutReport::to_json() const {
  Json out = Json::object();
  out.set("war", war());
  out.set("war_interval", interval_json(war_interval));
  out.set("uar", uar());
  out.set("uar_interval", interval_json(uar_interval));
  out.set("auroc", json_or_null(auroc()));
  Json recall = Json::object(), counts = Json::object(), answers = Json::object();
  Json aurocs = Json::object(), known = Json::object();
  Json recall_intervals = Json::object(), auroc_intervals = Json::object();
  Json outlier_aurocs = Json::object(), outlier_intervals = Json::object();
  std::int64_t samples = 0;
  for (const LeftOutClass& item : left_out) {
    recall.set(item.name, item.recall());
    counts.set(item.name, item.samples);
    Json said = Json::object();
    for (std::size_t c = 0; c < classes.size(); ++c) said.set(classes[c], item.said[c]);
    answers.set(item.name, std::move(said));
    aurocs.set(item.name, json_or_null(item.auroc));
    if (item.outlier_auroc) {
      outlier_aurocs.set(item.name, *item.outlier_auroc);
      outlier_intervals.set(item.name, interval_json(item.outlier_interval));
    }
    recall_intervals.set(item.name, interval_json(item.recall_interval));
    auroc_intervals.set(item.name, item.auroc ? interval_json(item.auroc_interval) : Json());
    known.set(item.name, item.known_samples == 0
                             ? Json()
                             : Json(100 * static_cast<double>(item.known_correct) /
                                    static_cast<double>(item.known_samples)));
    samples += item.samples;
  }
  out.set("n", samples);
  out.set("recall", std::move(recall));
  out.set("recall_intervals", std::move(recall_intervals));
  out.set("samples", std::move(counts));
  out.set("answers", std::move(answers));
  out.set("aurocs", std::move(aurocs));
  out.set("auroc_intervals", std::move(auroc_intervals));
  if (outlier_auroc()) {
    out.set("outlier_auroc", *outlier_auroc());
    out.set("outlier_aurocs", std::move(outlier_aurocs));
    out.set("outlier_intervals", std::move(outlier_intervals));
  }
  out.set("known_war", std::move(known));
  out.set("missing", Json::Array(missing.begin(), missing.end()));
  return out;
}

Result<std::string> left_out_class(const engine::Bundle& bundle) {
  const Json* name = bundle.info().provenance.find("left_out");
  if (name == nullptr || !name->is_string()) {
    return invalid_argument(fmt::format(
        "{}: does not say which class its training left out (expected a bundle trained with "
        "data.leave_out)",
        bundle.path().string()));
  }
  return name->as_string();
}

namespace {

// How many of `samples` drawn ones are right.
std::int64_t drawn_right(std::span<const std::size_t> drawn, std::int64_t right) {
  return std::count_if(drawn.begin(), drawn.end(),
                       [&](std::size_t i) { return static_cast<std::int64_t>(i) < right; });
}

Status fill_unknown_intervals(LeftOutClass& out, const std::vector<double>& known,
                              const std::vector<double>& unknown, const ClosedSetOptions& options) {
  Rng rng(options.seed);
  const metrics::BootstrapOptions bootstrap{.resamples = options.resamples};
  MIEN_ASSIGN_OR_RETURN(out.recall_interval,
                        metrics::bootstrap(
                            unknown.size(),
                            [&](std::span<const std::size_t> drawn) -> Result<double> {
                              return 100 * static_cast<double>(drawn_right(drawn, out.correct)) /
                                     static_cast<double>(drawn.size());
                            },
                            rng, bootstrap));
  if (!out.auroc) return {};
  std::vector<double> of_known(known.size()), of_unknown(unknown.size());
  MIEN_ASSIGN_OR_RETURN(out.auroc_interval,
                        metrics::bootstrap_parts(
                            std::array{known.size(), unknown.size()},
                            [&](std::span<const std::vector<std::size_t>> drawn) {
                              for (std::size_t i = 0; i < known.size(); ++i)
                                of_known[i] = known[drawn[0][i]];
                              for (std::size_t i = 0; i < unknown.size(); ++i)
                                of_unknown[i] = unknown[drawn[1][i]];
                              return metrics::auroc({of_known, of_unknown});
                            },
                            rng, bootstrap));
  return {};
}

}  // namespace

Status fill_left_out_intervals(LeftOutReport& report, const ClosedSetOptions& options) {
  std::vector<std::size_t> sizes;
  for (const LeftOutClass& item : report.left_out) {
    sizes.push_back(static_cast<std::size_t>(item.samples));
  }
  const auto figure = [&](double LeftOutFigures::*which) {
    return [&, which](std::span<const std::vector<std::size_t>> drawn) -> Result<double> {
      std::vector<std::int64_t> right;
      for (std::size_t c = 0; c < drawn.size(); ++c) {
        right.push_back(drawn_right(drawn[c], report.left_out[c].correct));
      }
      return left_out_figures(report.left_out, right).*which;
    };
  };
  Rng rng(options.seed);
  const metrics::BootstrapOptions bootstrap{.resamples = options.resamples};
  MIEN_ASSIGN_OR_RETURN(
      report.war_interval,
      metrics::bootstrap_parts(sizes, figure(&LeftOutFigures::war), rng, bootstrap));
  MIEN_ASSIGN_OR_RETURN(
      report.uar_interval,
      metrics::bootstrap_parts(sizes, figure(&LeftOutFigures::uar), rng, bootstrap));
  return {};
}

namespace {

// How well outlier words separate the samples of the class from the others.
Status judge_by_outliers(const RunResult& result, const ClosedSetOptions& options, double scale,
                         LeftOutClass& out) {
  OpenSetSplit split{.known = result.classes, .unknown = {out.name}};
  std::erase(split.known, out.name);
  MIEN_ASSIGN_OR_RETURN(
      const OpenSetResult judged,
      open_set_result(split, result.classes, result.predictions, scale, options, result.outliers));
  const OpenSetFigures& figures = judged.scores.at(OpenSetScore::kOutliers);
  out.outlier_auroc = figures.auroc;
  out.outlier_interval = figures.auroc_interval;
  return {};
}

}  // namespace

Result<LeftOutClass> count_left_out(const std::string& name, const RunResult& result,
                                    const ClosedSetOptions& options, double scale) {
  const auto found = std::find(result.classes.begin(), result.classes.end(), name);
  if (found == result.classes.end()) {
    return invalid_argument(fmt::format("class '{}': not in the data (expected one of {})", name,
                                        fmt::join(result.classes, ", ")));
  }
  const auto index = static_cast<std::size_t>(found - result.classes.begin());
  LeftOutClass out{.name = name, .said = std::vector<std::int64_t>(result.classes.size())};
  std::vector<double> known, unknown;
  for (const Prediction& prediction : result.predictions) {
    const bool correct = prediction.top() == prediction.truth;
    double most = 0;
    for (std::size_t c = 0; c < prediction.probabilities.size(); ++c) {
      if (c != index) most = std::max(most, prediction.probabilities[c]);
    }
    // As if the class were not among the possible answers.
    const double others = 1 - prediction.probabilities[index];
    const double score = others > 0 ? most / others : 0;
    if (prediction.truth != index) {
      ++out.known_samples;
      out.known_correct += correct ? 1 : 0;
      known.push_back(score);
      continue;
    }
    ++out.samples;
    ++out.said[prediction.top()];
    out.correct += correct ? 1 : 0;
    unknown.push_back(score);
  }
  if (out.samples == 0) {
    return invalid_argument(fmt::format("class '{}': has no sample in the data", name));
  }
  if (!known.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.auroc, metrics::auroc({known, unknown}));
  }
  MIEN_RETURN_IF_ERROR(fill_unknown_intervals(out, known, unknown, options));
  if (!result.outliers.empty() && out.auroc) {
    MIEN_RETURN_IF_ERROR(judge_by_outliers(result, options, scale, out));
  }
  return out;
}

}  // namespace mien::eval
