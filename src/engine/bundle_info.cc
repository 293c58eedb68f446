#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/bundle_folder.h"
#include "engine/label_json.h"
#include "engine/towers/table.h"
#include "mien/engine/bundle.h"

namespace mien::engine {
namespace {

constexpr std::pair<UnknownRule::Kind, std::string_view> kRules[] = {
    {UnknownRule::Kind::kMaxProbability, "max_probability"},
    {UnknownRule::Kind::kMaxCosine, "max_cosine"},
    {UnknownRule::Kind::kEnergy, "energy"},
    {UnknownRule::Kind::kMaxLogit, "max_logit"},
    {UnknownRule::Kind::kMeanProbability, "mean_probability"},
};

constexpr std::pair<Reduce, std::string_view> kReduces[] = {
    {Reduce::kMeanEmbedding, "mean"},
    {Reduce::kMeanCosine, "mean-cosine"},
    {Reduce::kMaxCosine, "max"},
};

Result<UnknownRule> parse_unknown(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"rule", "threshold"}, subject));
  MIEN_ASSIGN_OR_RETURN(const std::string name, json_string(json, "rule", subject));
  UnknownRule out;
  const auto row = std::find_if(std::begin(kRules), std::end(kRules),
                                [&](const auto& candidate) { return candidate.second == name; });
  if (row == std::end(kRules)) {
    return corrupt(fmt::format(
        "{}: unknown rule '{}' (expected max_probability, max_cosine, energy, max_logit or "
        "mean_probability)",
        subject, name));
  }
  out.kind = row->first;
  const Json* threshold = json.find("threshold");
  if (threshold == nullptr) return corrupt(fmt::format("{}: 'threshold' is missing", subject));
  if (!threshold->is_null()) {
    MIEN_ASSIGN_OR_RETURN(out.threshold, json_number(json, "threshold", subject));
  }
  return out;
}

Result<double> positive(const Json& json, std::string_view key, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const double value, json_number(json, key, subject));
  if (!(value > 0) || value > 1e6) {
    return corrupt(
        fmt::format("{}: '{}' is out of range (expected above 0 and at most 1e6, got {})", subject,
                    key, value));
  }
  return value;
}

// How the labels are read: learned texts and the reduction, both of which may be absent.
Status parse_reading(const Json& json, std::string_view subject, const Limits& limits,
                     BundleInfo& out) {
  if (const Json* learned = json.find("learned")) {
    std::vector<std::string> texts;
    for (const text::Label& label : out.labels) append_texts(label, texts);
    MIEN_ASSIGN_OR_RETURN(out.learned, learned_from_json(*learned, texts.size(), subject, limits));
  }
  if (json.find("reduce") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(const std::string name, json_string(json, "reduce", subject));
    const auto reduce = find_reduce(name);
    if (!reduce) {
      return corrupt(
          fmt::format("{}: reduce '{}' (expected mean, mean-cosine or max)", subject, name));
    }
    out.reduce = *reduce;
  }
  return {};
}

constexpr std::size_t kMaxTargetName = 1000;

// [low, high], or null.
Result<std::optional<std::pair<double, double>>> parse_range(const Json& json,
                                                             std::string_view subject) {
  const Json* range = json.find("range");
  if (range != nullptr && range->is_null()) return std::optional<std::pair<double, double>>();
  const bool two = range != nullptr && range->is_array() && range->size() == 2 &&
                   range->as_array()[0].is_number() && range->as_array()[1].is_number();
  if (two) {
    const std::pair<double, double> out(range->as_array()[0].as_number(),
                                        range->as_array()[1].as_number());
    if (std::isfinite(out.first) && std::isfinite(out.second) && out.first < out.second) {
      return std::optional(out);
    }
  }
  return corrupt(
      fmt::format("{}: 'range' is not a scale (expected [least, most], or null)", subject));
}

// As many as the architecture says; none, and no key, without a regression head.
Result<std::vector<RegressionTarget>> parse_targets(const Json& json, const Architecture& sizes,
                                                    std::string_view subject) {
  const Json* list = json.find("targets");
  const std::size_t expected =
      sizes.regression ? static_cast<std::size_t>(sizes.regression->targets) : 0;
  const bool fits = expected == 0 ? list == nullptr
                                  : list != nullptr && list->is_array() && list->size() == expected;
  if (!fits) {
    return corrupt(
        fmt::format("{}: 'targets' does not fit (expected {} of them, as "
                    "architecture.regression says)",
                    subject, expected));
  }
  std::vector<RegressionTarget> out;
  std::set<std::string> names;
  for (std::size_t i = 0; i < expected; ++i) {
    const Json& item = list->as_array()[i];
    const std::string place = fmt::format("{}: targets[{}]", subject, i);
    MIEN_RETURN_IF_ERROR(json_reject_unknown(item, {"name", "range"}, place));
    RegressionTarget target;
    MIEN_ASSIGN_OR_RETURN(target.name, json_string(item, "name", place));
    if (target.name.empty() || target.name.size() > kMaxTargetName ||
        !names.insert(target.name).second) {
      return corrupt(
          fmt::format("{}: the name is empty, too long or a duplicate (expected 1 to {} bytes)",
                      place, kMaxTargetName));
    }
    MIEN_ASSIGN_OR_RETURN(target.range, parse_range(item, place));
    out.push_back(std::move(target));
  }
  return out;
}

Json targets_json(const std::vector<RegressionTarget>& targets) {
  Json out = Json::array();
  for (const RegressionTarget& target : targets) {
    Json range = Json();
    if (target.range) {
      range = Json::array();
      range.push_back(target.range->first);
      range.push_back(target.range->second);
    }
    Json item = Json::object();
    item.set("name", target.name);
    item.set("range", std::move(range));
    out.push_back(std::move(item));
  }
  return out;
}

template <class T>
Result<T> parse_section(const Json& json, std::string_view key, std::string_view subject) {
  const Json* section = json.find(key);
  if (section == nullptr) return corrupt(fmt::format("{}: '{}' is missing", subject, key));
  return T::parse(*section, fmt::format("{}: {}", subject, key));
}

}  // namespace

std::optional<PrecisionChoice> find_precision(std::string_view name) {
  if (name == "auto") return PrecisionChoice::kAuto;
  if (name == "fp32") return PrecisionChoice::kF32;
  if (name == "bf16") return PrecisionChoice::kBf16;
  if (name == "int8") return PrecisionChoice::kInt8;
  return {};
}

std::string_view to_string(kernels::Precision precision) {
  switch (precision) {
    case kernels::Precision::kF32: return "fp32";
    case kernels::Precision::kBf16: return "bf16";
    case kernels::Precision::kInt8: return "int8";
  }
  return "fp32";
}

std::string_view to_string(UnknownRule::Kind kind) {
  for (const auto& [value, name] : kRules) {
    if (value == kind) return name;
  }
  return "max_probability";
}

std::string_view to_string(Reduce reduce) {
  for (const auto& [value, name] : kReduces) {
    if (value == reduce) return name;
  }
  return "mean";
}

std::optional<Reduce> find_reduce(std::string_view name) {
  for (const auto& [value, known] : kReduces) {
    if (known == name) return value;
  }
  return {};
}

Json BundleInfo::to_json() const {
  Json out = Json::object();
  // Programs of before there were references read all other bundles.
  out.set("format_version", reference ? kFormatVersion : 1);
  out.set("name", name);
  out.set("method", method);
  out.set("architecture", architecture.to_json());
  out.set("preprocess", preprocess.to_json());
  out.set("crop", crop.to_json());
  out.set("sampling", sampling.to_json());
  Json labels_json = Json::array();
  for (const text::Label& label : labels) labels_json.push_back(label_to_json(label));
  out.set("labels", std::move(labels_json));
  if (!learned.empty()) out.set("learned", learned_to_json(learned));
  if (reduce != Reduce::kMeanEmbedding) out.set("reduce", to_string(reduce));
  if (!targets.empty()) out.set("targets", targets_json(targets));
  out.set("logit_scale", logit_scale);
  out.set("temperature", temperature);
  Json rule = Json::object();
  rule.set("rule", to_string(unknown.kind));
  rule.set("threshold", unknown.threshold ? Json(*unknown.threshold) : Json());
  out.set("unknown", std::move(rule));
  if (reference) out.set("reference", reference->to_json());
  out.set("licence", licence);
  out.set("provenance", provenance);
  out.set("files", files_json(files));
  return out;
}

Result<BundleInfo> BundleInfo::parse(std::string_view text, std::string_view subject,
                                     const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const Json json, parse_info(text, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const std::int64_t version, json_integer(json, "format_version", subject));
  if (version < 1 || version > kFormatVersion) {
    return unsupported(fmt::format("{}: bundle format version {} (expected 1 to {})", subject,
                                   version, kFormatVersion));
  }
  MIEN_ASSIGN_OR_RETURN(const std::string kind, bundle_kind(json, subject));
  if (kind != kRecognizerKind) {
    return invalid_argument(fmt::format(
        "{}: a bundle of kind '{}' (expected one that reads expressions)", subject, kind));
  }
  std::vector<std::string_view> keys = {
      "kind",        "format_version", "name",    "method",  "architecture", "preprocess",
      "crop",        "sampling",       "labels",  "learned", "reduce",       "targets",
      "logit_scale", "temperature",    "unknown", "licence", "provenance",   "files"};
  if (version >= 2) keys.emplace_back("reference");
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, keys, subject));
  BundleInfo out;
  MIEN_ASSIGN_OR_RETURN(out.name, json_string(json, "name", subject));
  MIEN_ASSIGN_OR_RETURN(out.method, json_string(json, "method", subject));
  MIEN_ASSIGN_OR_RETURN(out.architecture,
                        parse_section<Architecture>(json, "architecture", subject));
  MIEN_ASSIGN_OR_RETURN(out.preprocess,
                        parse_section<image::PreprocessSpec>(json, "preprocess", subject));
  if (const Status status = out.preprocess.validate(); !status.ok()) {
    return corrupt(fmt::format("{}: {}", subject, status.message()));
  }
  if (out.preprocess.output_size() != out.architecture.image_size()) {
    return corrupt(fmt::format("{}: preprocessing makes {} pixels a side (expected {})", subject,
                               out.preprocess.output_size(), out.architecture.image_size()));
  }
  const bool reads_grey = with_kind(out.architecture.image, [](const auto& row, const auto& sizes) {
    return row.channels != nullptr && row.channels(sizes) == 1;
  });
  const auto is_grey = [](const image::PreprocessStep& step) {
    return step.kind == image::PreprocessStep::Kind::kGrey;
  };
  if (reads_grey &&
      std::none_of(out.preprocess.steps.begin(), out.preprocess.steps.end(), is_grey)) {
    return corrupt(
        fmt::format("{}: preprocess has no step 'grey' (expected one: the image tower "
                    "reads grey pictures)",
                    subject));
  }
  MIEN_ASSIGN_OR_RETURN(out.crop, parse_section<face::CropSpec>(json, "crop", subject));
  MIEN_ASSIGN_OR_RETURN(out.sampling,
                        parse_section<video::SamplingSpec>(json, "sampling", subject));
  if (const auto& temporal = out.architecture.temporal;
      temporal && out.sampling.frames > max_frames_of(*temporal)) {
    return corrupt(
        fmt::format("{}: sampling takes {} frames (expected at most {}, as the temporal "
                    "model)",
                    subject, out.sampling.frames, max_frames_of(*temporal)));
  }
  const Json* labels = json.find("labels");
  if (labels == nullptr || !labels->is_array()) {
    return corrupt(fmt::format("{}: 'labels' is missing (expected a list)", subject));
  }
  MIEN_ASSIGN_OR_RETURN(out.labels, labels_from_json(*labels, subject, limits));
  if (const auto& points = out.architecture.reciprocal;
      points && static_cast<std::size_t>(points->labels) != out.labels.size()) {
    return corrupt(fmt::format("{}: {} labels with {} reciprocal points (expected one each)",
                               subject, out.labels.size(), points->labels));
  }
  MIEN_RETURN_IF_ERROR(parse_reading(json, subject, limits, out));
  MIEN_ASSIGN_OR_RETURN(out.targets, parse_targets(json, out.architecture, subject));
  MIEN_ASSIGN_OR_RETURN(out.logit_scale, positive(json, "logit_scale", subject));
  MIEN_ASSIGN_OR_RETURN(out.temperature, positive(json, "temperature", subject));
  const Json* unknown = json.find("unknown");
  if (unknown == nullptr) return corrupt(fmt::format("{}: 'unknown' is missing", subject));
  MIEN_ASSIGN_OR_RETURN(out.unknown, parse_unknown(*unknown, fmt::format("{}: unknown", subject)));
  if (const Json* reference = json.find("reference")) {
    MIEN_ASSIGN_OR_RETURN(
        out.reference,
        ReferenceInfo::parse(*reference, fmt::format("{}: reference", subject), limits));
  }
  MIEN_ASSIGN_OR_RETURN(out.licence, json_string(json, "licence", subject));
  MIEN_ASSIGN_OR_RETURN(out.provenance, parse_provenance(json, subject));
  MIEN_ASSIGN_OR_RETURN(out.files, parse_files(json, subject));
  return out;
}

}  // namespace mien::engine
