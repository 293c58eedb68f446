#include "mien/eval/left_out.h"

#include <fmt/format.h>

#include <algorithm>

namespace mien::eval {

double LeftOutClass::recall() const {
  return samples == 0 ? 0 : 100 * static_cast<double>(correct) / static_cast<double>(samples);
}

double LeftOutReport::uar() const {
  double sum = 0;
  for (const LeftOutClass& item : left_out) sum += item.recall();
  return left_out.empty() ? 0 : sum / static_cast<double>(left_out.size());
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
  Json recall = Json::object(), counts = Json::object(), answers = Json::object();
  std::int64_t samples = 0;
  for (const LeftOutClass& item : left_out) {
    recall.set(item.name, item.recall());
    counts.set(item.name, item.samples);
    Json said = Json::object();
    for (std::size_t c = 0; c < classes.size(); ++c) said.set(classes[c], item.said[c]);
    answers.set(item.name, std::move(said));
    samples += item.samples;
  }
  out.set("n", samples);
  out.set("recall", std::move(recall));
  out.set("samples", std::move(counts));
  out.set("answers", std::move(answers));
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

Result<data::Manifest> only_class(const data::Manifest& manifest, const std::string& name) {
  const auto found = std::find(manifest.classes.begin(), manifest.classes.end(), name);
  if (found == manifest.classes.end()) {
    return not_found(fmt::format("{}: has no class '{}' (expected one of {})", manifest.name, name,
                                 fmt::join(manifest.classes, ", ")));
  }
  const int label = static_cast<int>(found - manifest.classes.begin());
  data::Manifest out = manifest;
  std::erase_if(out.samples, [&](const data::Sample& sample) {
    return sample.labels.size() != 1 || sample.labels.front() != label;
  });
  if (out.samples.empty()) {
    return invalid_argument(fmt::format("{}: has no sample of class '{}'", manifest.name, name));
  }
  return out;
}

LeftOutClass count_left_out(const std::string& name, const RunResult& result) {
  LeftOutClass out{.name = name, .said = std::vector<std::int64_t>(result.classes.size())};
  for (const Prediction& prediction : result.predictions) {
    ++out.samples;
    ++out.said[prediction.top()];
    if (prediction.top() == prediction.truth) ++out.correct;
  }
  return out;
}

}  // namespace mien::eval
