#include "mien/eval/left_out.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/metrics/open_set.h"

namespace mien::eval {

double LeftOutClass::recall() const {
  return samples == 0 ? 0 : 100 * static_cast<double>(correct) / static_cast<double>(samples);
}

double LeftOutReport::uar() const {
  double sum = 0;
  for (const LeftOutClass& item : left_out) sum += item.recall();
  return left_out.empty() ? 0 : sum / static_cast<double>(left_out.size());
}

std::optional<double> LeftOutReport::auroc() const {
  double sum = 0;
  int count = 0;
  for (const LeftOutClass& item : left_out) {
    if (!item.auroc) continue;
    sum += *item.auroc;
    ++count;
  }
  return count == 0 ? std::optional<double>() : sum / count;
}

double LeftOutReport::war() const {
  LeftOutClass all;
  for (const LeftOutClass& item : left_out) {
    all.correct += item.correct;
    all.samples += item.samples;
  }
  return all.recall();
}

Json LeftOutReport::to_json() const {
  Json out = Json::object();
  out.set("war", war());
  out.set("uar", uar());
  out.set("auroc", auroc() ? Json(*auroc()) : Json());
  Json recall = Json::object(), counts = Json::object(), answers = Json::object();
  Json aurocs = Json::object(), known = Json::object();
  std::int64_t samples = 0;
  for (const LeftOutClass& item : left_out) {
    recall.set(item.name, item.recall());
    counts.set(item.name, item.samples);
    Json said = Json::object();
    for (std::size_t c = 0; c < classes.size(); ++c) said.set(classes[c], item.said[c]);
    answers.set(item.name, std::move(said));
    aurocs.set(item.name, item.auroc ? Json(*item.auroc) : Json());
    known.set(item.name, item.known_samples == 0
                             ? Json()
                             : Json(100 * static_cast<double>(item.known_correct) /
                                    static_cast<double>(item.known_samples)));
    samples += item.samples;
  }
  out.set("n", samples);
  out.set("recall", std::move(recall));
  out.set("samples", std::move(counts));
  out.set("answers", std::move(answers));
  out.set("aurocs", std::move(aurocs));
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

Result<LeftOutClass> count_left_out(const std::string& name, const RunResult& result) {
  const auto found = std::find(result.classes.begin(), result.classes.end(), name);
  if (found == result.classes.end()) {
    return invalid_argument(fmt::format("class '{}': is not in the data (expected one of {})", name,
                                        fmt::join(result.classes, ", ")));
  }
  const auto place = static_cast<std::size_t>(found - result.classes.begin());
  LeftOutClass out{.name = name, .said = std::vector<std::int64_t>(result.classes.size())};
  std::vector<double> known, unknown;
  for (const Prediction& prediction : result.predictions) {
    const bool correct = prediction.top() == prediction.truth;
    double most = 0;
    for (std::size_t c = 0; c < prediction.probabilities.size(); ++c) {
      if (c != place) most = std::max(most, prediction.probabilities[c]);
    }
    // As if the class had not been among the answers.
    const double others = 1 - prediction.probabilities[place];
    const double score = others > 0 ? most / others : 0;
    if (prediction.truth != place) {
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
  return out;
}

}  // namespace mien::eval
