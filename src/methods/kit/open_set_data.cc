#include "methods/kit/open_set_data.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <charconv>

#include "methods/kit/clip_items.h"
#include "methods/kit/figures.h"
#include "methods/kit/labelled.h"
#include "metrics/open_set.h"
#include "mien/eval/open_set.h"
#include "mien/metrics/detection.h"

namespace mien::methods {
namespace {

// "afew:3": the third split of a list, from 1.
Result<std::vector<std::string>> known_of_split(const std::string& split) {
  const std::size_t colon = split.find(':');
  const std::string list = split.substr(0, colon);
  const auto splits = eval::hesp_splits(list);
  const std::string number = colon == std::string::npos ? "1" : split.substr(colon + 1);
  std::size_t place = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), place);
  const bool whole = error == std::errc() && end == number.data() + number.size();
  if (splits.empty() || !whole || place < 1 || place > splits.size()) {
    return invalid_argument(
        fmt::format("split: '{}' (expected one of {}, a colon and a number from 1{})", split,
                    fmt::join(eval::hesp_lists(), ", "),
                    splits.empty() ? std::string() : fmt::format(" to {}", splits.size())));
  }
  return splits[place - 1].known;
}

// Known labels are numbered anew, the others go.
std::shared_ptr<const data::Manifest> relabelled(const data::Manifest& manifest,
                                                 const std::vector<int>& number,
                                                 const std::vector<std::string>& classes) {
  data::Manifest out = manifest;
  out.classes = classes;
  for (data::Sample& sample : out.samples) {
    const bool one = sample.labels.size() == 1;
    const int now = one ? number[static_cast<std::size_t>(sample.labels.front())] : -1;
    sample.labels.clear();
    sample.soft.clear();
    if (now >= 0) sample.labels.push_back(now);
  }
  return std::make_shared<const data::Manifest>(std::move(out));
}

data::View labelled(const data::Manifest& manifest, const data::View& view, bool wanted) {
  data::View out;
  std::copy_if(view.begin(), view.end(), std::back_inserter(out), [&](std::int64_t place) {
    return manifest.samples[static_cast<std::size_t>(place)].labels.empty() != wanted;
  });
  return out;
}

std::vector<double> largest(const torch::Tensor& rows) {
  const torch::Tensor best = std::get<0>(rows.to(torch::kFloat64).max(1)).contiguous();
  const auto* values = best.data_ptr<double>();
  return {values, values + best.numel()};
}

}  // namespace

Result<OpenSetData> load_open_set_data(const DataOptions& options,
                                       const std::vector<std::string>& known,
                                       const std::string& split,
                                       const std::filesystem::path& folder, std::uint64_t seed) {
  if (!known.empty() && !split.empty()) {
    return invalid_argument("known, split: cannot be combined (expected one of them)");
  }
  OpenSetData out;
  MIEN_ASSIGN_OR_RETURN(out.data, load_training_data(options, folder, seed));
  const std::vector<std::string>& all = out.data.train->classes;
  std::vector<std::string> names = known;
  if (!split.empty()) {
    MIEN_ASSIGN_OR_RETURN(names, known_of_split(split));
  }
  if (names.empty()) names = all;
  MIEN_ASSIGN_OR_RETURN(std::vector<std::size_t> places, eval::class_places(names, all));
  if (places.size() < 2) {
    return invalid_argument(fmt::format("known: {} class (expected at least 2 of {})",
                                        places.size(), fmt::join(all, ", ")));
  }
  std::sort(places.begin(), places.end());
  std::vector<int> number(all.size(), -1);
  for (const std::size_t place : places) {
    number[place] = static_cast<int>(out.classes.size());
    out.classes.push_back(all[place]);
  }
  keep_labelled(*out.data.train, out.data.train_view);
  keep_labelled(*out.data.val, out.data.val_view);
  const bool same = out.data.train == out.data.val;
  out.data.train = relabelled(*out.data.train, number, out.classes);
  out.data.val = same ? out.data.train : relabelled(*out.data.val, number, out.classes);
  out.data.train_view = labelled(*out.data.train, out.data.train_view, true);
  out.open_view = labelled(*out.data.val, out.data.val_view, false);
  out.data.val_view = labelled(*out.data.val, out.data.val_view, true);
  if (out.data.train_view.empty()) {
    return invalid_argument(fmt::format("{}: no training samples of a known class (known: {})",
                                        out.data.train->name, fmt::join(out.classes, ", ")));
  }
  return out;
}

Result<NamedValues> open_set_figures(const SplitAnswers& answers) {
  const torch::Tensor top = answers.closed.argmax(1).contiguous();
  const auto* said = top.data_ptr<std::int64_t>();
  MIEN_ASSIGN_OR_RETURN(NamedValues out,
                        class_figures(static_cast<std::size_t>(answers.closed.size(1)),
                                      answers.truth, {said, said + top.numel()}));
  if (!answers.open.defined() || answers.open.size(0) == 0) return out;
  const std::vector<double> known = largest(answers.closed), unknown = largest(answers.open);
  std::vector<char> correct;
  for (std::size_t i = 0; i < answers.truth.size(); ++i) {
    correct.push_back(said[i] == answers.truth[i] ? 1 : 0);
  }
  const metrics::OpenSetScores scores{known, unknown};
  MIEN_ASSIGN_OR_RETURN(const double auroc, metrics::auroc_strict(scores));
  MIEN_ASSIGN_OR_RETURN(const double oscr, metrics::oscr(scores, correct));
  MIEN_ASSIGN_OR_RETURN(const double oscr_code, metrics::oscr_code(scores, correct));
  MIEN_ASSIGN_OR_RETURN(const auto rates, metrics::detection_rates(scores));
  out.emplace_back("auroc", auroc);
  out.emplace_back("oscr", 100 * oscr);
  out.emplace_back("oscr_code", 100 * oscr_code);
  out.emplace_back("tnr95", rates.tnr_at_95);
  out.emplace_back("auroc_oscr", auroc + 100 * oscr_code);
  return out;
}

}  // namespace mien::methods
