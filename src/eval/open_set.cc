#include "mien/eval/open_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include "eval/interval_json.h"
#include "eval/open_set_intervals.h"
#include "metrics/open_set.h"
#include "mien/metrics/confusion.h"
#include "mien/text/prompts.h"

namespace mien::eval {
namespace {

std::optional<std::size_t> index_of(const std::string& name,
                                    const std::vector<std::string>& classes) {
  const std::string_view meaning = text::builtin_label_of(name);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    if (classes[c] == name || (!meaning.empty() && text::builtin_label_of(classes[c]) == meaning)) {
      return c;
    }
  }
  return std::nullopt;
}

constexpr auto& kScores = kOpenSetScores;

// The answer of one prediction among the known classes only.
struct Said {
  std::size_t top = 0;  // place among the known
  std::array<double, 5> scores{};
};

Said ask_known(const Prediction& row, const std::vector<std::size_t>& known, double scale,
               const std::vector<std::size_t>& chosen) {
  Said out;
  const auto logit = [&](std::size_t k) {
    return row.logits.empty() ? scale * row.cosines[known[k]] : row.logits[known[k]];
  };
  double cosine = row.cosines[known[0]], sum = 0;
  for (std::size_t k = 0; k < known.size(); ++k) {
    if (logit(k) > logit(out.top)) out.top = k;
    cosine = std::max(cosine, row.cosines[known[k]]);
  }
  const double best = logit(out.top);
  for (std::size_t k = 0; k < known.size(); ++k) sum += std::exp(logit(k) - best);
  out.scores = {1 / sum, best + std::log(sum), cosine, best};
  if (!chosen.empty()) {
    std::vector<double> logits;
    for (const std::size_t k : known) logits.push_back(scale * row.cosines[k]);
    out.scores.back() = outlier_score(logits, row.outliers, chosen, scale);
  }
  return out;
}

Result<OpenSetFigures> figures_of(const metrics::OpenSetScores& scores,
                                  const std::vector<char>& correct) {
  OpenSetFigures out;
  MIEN_ASSIGN_OR_RETURN(out.auroc, metrics::auroc(scores));
  MIEN_ASSIGN_OR_RETURN(out.auroc_strict, metrics::auroc_strict(scores));
  MIEN_ASSIGN_OR_RETURN(out.fpr_at_95, metrics::fpr_at_tpr(scores));
  MIEN_ASSIGN_OR_RETURN(out.oscr, metrics::oscr(scores, correct));
  MIEN_ASSIGN_OR_RETURN(out.oscr_code, metrics::oscr_code(scores, correct));
  MIEN_ASSIGN_OR_RETURN(out.code, metrics::detection_rates(scores));
  out.oscr *= 100;
  out.oscr_code *= 100;
  return out;
}

Result<OpenSetCurves> curves_of(const metrics::OpenSetScores& scores,
                                const std::vector<char>& correct) {
  std::vector<double> all(scores.known.begin(), scores.known.end());
  all.insert(all.end(), scores.unknown.begin(), scores.unknown.end());
  std::vector<char> is_known(scores.known.size(), 1);
  is_known.resize(all.size(), 0);
  OpenSetCurves out;
  MIEN_ASSIGN_OR_RETURN(out.roc, metrics::roc_curve(all, is_known));
  MIEN_ASSIGN_OR_RETURN(out.oscr, metrics::oscr_curve(scores, correct));
  return out;
}

Status fill_figures(const OpenSetAnswers& answers, OpenSetResult& out) {
  metrics::ConfusionMatrix counts(answers.classes);
  for (std::size_t i = 0; i < answers.truth.size(); ++i) {
    counts.add(answers.truth[i], answers.top[i]);
  }
  MIEN_ASSIGN_OR_RETURN(out.acc, metrics::weighted_average_recall(counts));
  MIEN_ASSIGN_OR_RETURN(out.uar, metrics::unweighted_average_recall(counts));
  for (std::size_t s = 0; s < kScores.size(); ++s) {
    if (answers.known[s].empty()) continue;  // without outlier words
    const metrics::OpenSetScores scores{answers.known[s], answers.unknown[s]};
    MIEN_ASSIGN_OR_RETURN(out.scores[kScores[s]], figures_of(scores, answers.correct));
    MIEN_ASSIGN_OR_RETURN(out.curves[kScores[s]], curves_of(scores, answers.correct));
  }
  return {};
}

Json figures_json(const OpenSetFigures& f) {
  return Json::Object{{"auroc", f.auroc},         {"auroc_strict", f.auroc_strict},
                      {"fpr95", f.fpr_at_95},     {"oscr", f.oscr},
                      {"oscr_code", f.oscr_code}, {"tnr95", f.code.tnr_at_95},
                      {"dtacc", f.code.accuracy}, {"auin", f.code.auin},
                      {"auout", f.code.auout}};
}

Json names_json(const std::vector<std::string>& names) {
  return Json::Array(names.begin(), names.end());
}

}  // namespace

Result<std::vector<std::size_t>> class_places(const std::vector<std::string>& names,
                                              const std::vector<std::string>& classes) {
  std::vector<std::size_t> out;
  for (const std::string& name : names) {
    const auto index = index_of(name, classes);
    if (!index) {
      return invalid_argument(
          fmt::format("open set: the data has no class '{}' (expected one of {})", name,
                      fmt::join(classes, ", ")));
    }
    if (std::find(out.begin(), out.end(), *index) != out.end()) {
      return invalid_argument(fmt::format("open set: duplicate class '{}'", name));
    }
    out.push_back(*index);
  }
  return out;
}

Result<OpenSetSizes> open_set_sizes(const OpenSetSplit& split, const data::Manifest& manifest) {
  MIEN_ASSIGN_OR_RETURN(const auto known, class_places(split.known, manifest.classes));
  MIEN_ASSIGN_OR_RETURN(const auto unknown, class_places(split.unknown, manifest.classes));
  OpenSetSizes out;
  for (const data::Sample& sample : manifest.samples) {
    if (sample.labels.size() != 1) continue;
    const auto label = static_cast<std::size_t>(sample.labels.front());
    if (std::find(known.begin(), known.end(), label) != known.end()) ++out.known;
    if (std::find(unknown.begin(), unknown.end(), label) != unknown.end()) ++out.unknown;
  }
  return out;
}

std::string_view to_string(OpenSetScore score) {
  switch (score) {
    case OpenSetScore::kMaxSoftmax: return "max_softmax";
    case OpenSetScore::kEnergy: return "energy";
    case OpenSetScore::kMaxCosine: return "max_cosine";
    case OpenSetScore::kOutliers: return "outlier_words";
    case OpenSetScore::kMaxLogit: return "max_logit";
  }
  return "max_softmax";
}

Result<OpenSetResult> open_set_result(const OpenSetSplit& split,
                                      const std::vector<std::string>& classes,
                                      const std::vector<Prediction>& predictions, double scale,
                                      const ClosedSetOptions& options,
                                      const OutlierWords& outliers) {
  OpenSetResult out;
  out.split = split;
  MIEN_ASSIGN_OR_RETURN(const auto known, class_places(split.known, classes));
  MIEN_ASSIGN_OR_RETURN(const auto unknown, class_places(split.unknown, classes));
  if (known.empty()) return invalid_argument("open set: no known classes (expected at least one)");
  const std::vector<std::size_t> chosen =
      outliers.empty() ? std::vector<std::size_t>() : choose_outliers(outliers, known);
  const std::size_t scores = chosen.empty() ? kScores.size() - 1 : kScores.size();
  OpenSetAnswers answers{.classes = known.size()};
  for (const Prediction& row : predictions) {
    if (row.cosines.size() != classes.size()) {
      return invalid_argument(fmt::format("open set: sample '{}' has no cosines", row.id));
    }
    for (const std::size_t k : known) {
      if (!std::isfinite(row.cosines[k])) {
        return invalid_argument(
            fmt::format("open set: class '{}' counts as known, but has no label", classes[k]));
      }
    }
    const auto index = std::find(known.begin(), known.end(), row.truth);
    const bool is_known = index != known.end();
    if (!is_known && std::find(unknown.begin(), unknown.end(), row.truth) == unknown.end())
      continue;
    const Said said = ask_known(row, known, scale, chosen);
    for (std::size_t s = 0; s < scores; ++s) {
      (is_known ? answers.known : answers.unknown)[s].push_back(said.scores[s]);
    }
    ++(is_known ? out.sizes.known : out.sizes.unknown);
    if (!is_known) continue;
    const auto truth = static_cast<std::size_t>(index - known.begin());
    answers.truth.push_back(truth);
    answers.top.push_back(said.top);
    answers.correct.push_back(said.top == truth ? 1 : 0);
  }
  if (out.sizes.known == 0 || out.sizes.unknown == 0) {
    return invalid_argument(fmt::format(
        "open set: {} samples of known and {} of unknown classes (expected some of both)",
        out.sizes.known, out.sizes.unknown));
  }
  MIEN_RETURN_IF_ERROR(fill_figures(answers, out));
  MIEN_RETURN_IF_ERROR(fill_open_set_intervals(answers, options, out));
  return out;
}

Json OpenSetResult::to_json() const {
  Json figures = Json::object();
  for (const auto& [score, values] : scores) {
    Json item = figures_json(values);
    item.set("auroc_interval", interval_json(values.auroc_interval));
    item.set("oscr_interval", interval_json(values.oscr_interval));
    figures.set(std::string(to_string(score)), std::move(item));
  }
  Json absent = Json::array();
  for (const std::size_t c : uar.absent) absent.push_back(split.known[c]);
  return Json::Object{{"known", names_json(split.known)},
                      {"unknown", names_json(split.unknown)},
                      {"n_known", sizes.known},
                      {"n_unknown", sizes.unknown},
                      {"acc", acc},
                      {"acc_interval", interval_json(acc_interval)},
                      {"uar", uar.percent},
                      {"uar_interval", interval_json(uar_interval)},
                      {"absent", std::move(absent)},
                      {"scores", std::move(figures)}};
}

Json open_set_means(const std::vector<OpenSetResult>& results) {
  std::set<std::size_t> counts;
  for (const OpenSetResult& result : results) counts.insert(result.split.known.size());
  Json out = Json::array();
  for (const std::size_t count : counts) {
    double n = 0, acc = 0, uar = 0;
    std::map<OpenSetScore, OpenSetFigures> sums;
    for (const OpenSetResult& result : results) {
      if (result.split.known.size() != count) continue;
      n += 1;
      acc += result.acc;
      uar += result.uar.percent;
      for (const auto& [score, f] : result.scores) {
        OpenSetFigures& sum = sums[score];
        sum.auroc += f.auroc;
        sum.auroc_strict += f.auroc_strict;
        sum.fpr_at_95 += f.fpr_at_95;
        sum.oscr += f.oscr;
        sum.oscr_code += f.oscr_code;
        sum.code.tnr_at_95 += f.code.tnr_at_95;
        sum.code.accuracy += f.code.accuracy;
        sum.code.auin += f.code.auin;
        sum.code.auout += f.code.auout;
      }
    }
    Json figures = Json::object();
    for (auto& [score, sum] : sums) {
      Json item = figures_json(sum);
      for (auto& [key, value] : item.as_object()) value = value.as_number() / n;
      figures.set(std::string(to_string(score)), std::move(item));
    }
    out.push_back(Json::Object{{"known_classes", count},
                               {"splits", static_cast<std::int64_t>(n)},
                               {"acc", acc / n},
                               {"uar", uar / n},
                               {"scores", std::move(figures)}});
  }
  return out;
}

}  // namespace mien::eval
