#include "convert/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/text/prompts.h"
#include "text/prompt_ensembles.h"

namespace mien::convert {
namespace {

// The default of `--labels`; giving it explicitly has the same effect.
constexpr const char* kDefaultLabels = "basic7";
// In the order of the published code; data sets with fewer classes use the first ones.
const std::vector<std::string> kClasses = {"happiness", "sadness",      "neutral",       "anger",
                                           "surprise",  "disgust",      "fear",          "contempt",
                                           "anxiety",   "helplessness", "disappointment"};
constexpr std::size_t kSeven = 7;
constexpr const char* kKe2ntPrompt = "a photo of a person making {a} {class} facial expression.";
constexpr const char* kKe2ntClasses = "surprise,fear,disgust,happiness,sadness,anger,neutral";

std::vector<std::string> first_classes(std::size_t count) {
  return {kClasses.begin(), kClasses.begin() + static_cast<std::ptrdiff_t>(count)};
}

bool takes_published(const Options& options) {
  return !options.labels || *options.labels == kDefaultLabels;
}

Result<text::LabelSet> load_set(const std::string& set, const Options& options) {
  auto out = text::load_labels(set, options.limits);
  return out.ok() ? std::move(out) : bad_option("--labels", out.status());
}

}  // namespace

Status bad_option(std::string_view option, const Status& status) {
  const Status named = status.with_prefix(option);
  switch (status.code()) {
    case StatusCode::kIo:
    case StatusCode::kCancelled:
    case StatusCode::kInternal: return named;
    default: return invalid_argument(named.message());
  }
}

Result<text::LabelSet> plain_labels(const Options& options) {
  return load_set(options.labels.value_or(kDefaultLabels), options);
}

Result<text::LabelSet> dfer_clip_labels(std::int64_t classes, const Options& options) {
  const auto count = static_cast<std::size_t>(classes);
  if (takes_published(options)) {
    if (count == kSeven || count == kSeven + 1 || count == kClasses.size()) {
      return text::facial_descriptors(first_classes(count));
    }
    return invalid_argument(
        fmt::format("--labels: the checkpoint has {} classes (expected their names and texts in "
                    "order; those of 7, 8 and 11 classes are known)",
                    classes));
  }
  MIEN_ASSIGN_OR_RETURN(text::LabelSet out, load_set(*options.labels, options));
  const bool plain = std::all_of(out.labels.begin(), out.labels.end(),
                                 [](const text::Label& label) { return !label.texts.empty(); });
  if (out.labels.size() != count || !plain) {
    return invalid_argument(
        fmt::format("--labels: wrong number of labels, {} (expected {} without compounds, as in "
                    "the checkpoint)",
                    out.labels.size(), classes));
  }
  for (text::Label& label : out.labels) label.texts.resize(1);
  return out;
}

Result<text::LabelSet> ke2nt_labels(const Options& options) {
  const std::string set = takes_published(options) ? kKe2ntClasses : *options.labels;
  MIEN_ASSIGN_OR_RETURN(text::LabelSet out, load_set(set, options));
  std::error_code error;
  if (std::filesystem::is_regular_file(set, error)) return out;
  for (text::Label& label : out.labels) {
    if (label.parts.empty()) label.texts = {text::class_prompt(kKe2ntPrompt, label.name)};
  }
  return out;
}

Result<text::LabelSet> exp_clip_labels(const Options& options) {
  if (!takes_published(options)) return load_set(*options.labels, options);
  return text::prompt_ensemble("P3", first_classes(kSeven));
}

}  // namespace mien::convert
