#include "eval/folds.h"

#include "eval/interval_json.h"

namespace mien::eval {
namespace {

// The data of a fold for the bootstrap.
struct FoldAnswers {
  std::size_t classes = 0;
  std::vector<std::size_t> truth;
  std::vector<std::size_t> top;
};

metrics::ConfusionMatrix drawn_counts(const FoldAnswers& fold, std::span<const std::size_t> drawn) {
  metrics::ConfusionMatrix out(fold.classes);
  for (const std::size_t i : drawn) out.add(fold.truth[i], fold.top[i]);
  return out;
}

template <class Figure>
Result<metrics::Interval> interval_of_mean(const std::vector<FoldAnswers>& folds, Rng& rng,
                                           const ClosedSetOptions& options, Figure figure) {
  std::vector<std::size_t> sizes;
  for (const FoldAnswers& fold : folds) sizes.push_back(fold.truth.size());
  return metrics::bootstrap_parts(
      sizes,
      [&](std::span<const std::vector<std::size_t>> drawn) -> Result<double> {
        double sum = 0;
        for (std::size_t f = 0; f < folds.size(); ++f) {
          MIEN_ASSIGN_OR_RETURN(const double value, figure(drawn_counts(folds[f], drawn[f])));
          sum += value;
        }
        return sum / static_cast<double>(folds.size());
      },
      rng, {.resamples = options.resamples});
}

}  // namespace

Result<FoldsReport> folds_report(const std::vector<RunResult>& folds,
                                 const ClosedSetOptions& options) {
  if (folds.empty()) return invalid_argument("folds: none (expected at least one)");
  FoldsReport out;
  std::vector<FoldAnswers> answers;
  const auto count = static_cast<double>(folds.size());
  for (const RunResult& fold : folds) {
    MIEN_ASSIGN_OR_RETURN(ClosedSetReport report,
                          closed_set_report(fold.classes, fold.predictions, options));
    out.war += report.war / count;
    out.uar += report.uar.percent / count;
    out.folds.push_back(std::move(report));
    FoldAnswers& of_fold = answers.emplace_back(FoldAnswers{fold.classes.size(), {}, {}});
    for (const Prediction& row : fold.predictions) {
      of_fold.truth.push_back(row.truth);
      of_fold.top.push_back(row.top());
    }
  }
  Rng rng(options.seed);
  MIEN_ASSIGN_OR_RETURN(out.war_interval,
                        interval_of_mean(answers, rng, options, [](const auto& counts) {
                          return metrics::weighted_average_recall(counts);
                        }));
  MIEN_ASSIGN_OR_RETURN(
      out.uar_interval,
      interval_of_mean(answers, rng, options, [](const auto& counts) -> Result<double> {
        MIEN_ASSIGN_OR_RETURN(const auto uar, metrics::unweighted_average_recall(counts));
        return uar.percent;
      }));
  return out;
}

Json FoldsReport::to_json() const {
  Json list = Json::array();
  for (std::size_t f = 0; f < folds.size(); ++f) {
    const ClosedSetReport& fold = folds[f];
    Json absent = Json::array();
    for (const std::size_t c : fold.uar.absent) absent.push_back(fold.classes[c]);
    list.push_back(Json::Object{{"fold", f + 1},
                                {"n", fold.samples},
                                {"war", fold.war},
                                {"war_interval", interval_json(fold.war_interval)},
                                {"uar", fold.uar.percent},
                                {"uar_interval", interval_json(fold.uar_interval)},
                                {"absent", std::move(absent)}});
  }
  return Json::Object{{"war", war},
                      {"war_interval", interval_json(war_interval)},
                      {"uar", uar},
                      {"uar_interval", interval_json(uar_interval)},
                      {"folds", std::move(list)}};
}

}  // namespace mien::eval
