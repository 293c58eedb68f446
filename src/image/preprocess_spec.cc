#include <fmt/format.h>

#include <cmath>
#include <string>

#include "mien/image/preprocess.h"

namespace mien::image {
namespace {

using Step = PreprocessStep;
using Kind = PreprocessStep::Kind;

constexpr int kMaxSize = 4096;
constexpr std::size_t kMaxSteps = 32;
constexpr std::array<float, 3> kClipMean{0.48145466F, 0.4578275F, 0.40821073F};
constexpr std::array<float, 3> kClipStd{0.26862954F, 0.26130258F, 0.27577711F};
constexpr std::array<float, 3> kImagenetMean{0.485F, 0.456F, 0.406F};
constexpr std::array<float, 3> kImagenetStd{0.229F, 0.224F, 0.225F};

Step resize(Kind kind, int size, Filter filter, bool antialias) {
  return {.kind = kind, .size = size, .filter = filter, .antialias = antialias};
}
Step center_crop(int size) { return {.kind = Kind::kCenterCrop, .size = size}; }
Step to_float() { return {.kind = Kind::kToFloat}; }
Step clip_normalize() { return {.kind = Kind::kNormalize, .mean = kClipMean, .std = kClipStd}; }

template <class T>
struct Name {
  T value;
  std::string_view text;
};

constexpr std::array<Name<Kind>, 6> kKinds{{{Kind::kResizeShorter, "resize_shorter"},
                                            {Kind::kResizeExact, "resize_exact"},
                                            {Kind::kCenterCrop, "center_crop"},
                                            {Kind::kGrey, "grey"},
                                            {Kind::kToFloat, "to_float"},
                                            {Kind::kNormalize, "normalize"}}};
constexpr std::array<Name<Filter>, 3> kFilters{{{Filter::kNearest, "nearest"},
                                                {Filter::kBilinear, "bilinear"},
                                                {Filter::kBicubic, "bicubic"}}};

template <class T, std::size_t N>
std::string_view name_of(const std::array<Name<T>, N>& names, T value) {
  for (const auto& name : names) {
    if (name.value == value) return name.text;
  }
  return "?";
}

template <class T, std::size_t N>
Result<T> parse_name(const std::array<Name<T>, N>& names, const Json& object, std::string_view key,
                     std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, json_string(object, key, subject));
  std::string known;
  for (const auto& name : names) {
    if (name.text == text) return name.value;
    known += known.empty() ? "" : ", ";
    known += name.text;
  }
  return corrupt(
      fmt::format("{}: unknown {} '{}' (expected one of {})", subject, key, text, known));
}

bool is_resize(Kind kind) { return kind == Kind::kResizeShorter || kind == Kind::kResizeExact; }
bool is_spatial(Kind kind) { return is_resize(kind) || kind == Kind::kCenterCrop; }

Json colours_to_json(const std::array<float, 3>& values) {
  Json out = Json::array();
  for (const float v : values) out.push_back(v);
  return out;
}

Result<std::array<float, 3>> parse_colours(const Json& object, std::string_view key,
                                           std::string_view subject) {
  const Json* list = object.find(key);
  const bool usable = list != nullptr && list->is_array() && list->size() == 3;
  std::array<float, 3> out{};
  for (std::size_t c = 0; usable && c < 3; ++c) {
    const Json& item = list->as_array()[c];
    // The comparison also keeps the conversion to float defined.
    if (!item.is_number() || !(std::abs(item.as_number()) < 1e30)) break;
    out[c] = static_cast<float>(item.as_number());
    if (c == 2) return out;
  }
  return corrupt(
      fmt::format("{}: '{}' is missing or wrong (expected three numbers)", subject, key));
}

Json step_to_json(const Step& step) {
  Json out = Json::object();
  out.set("kind", name_of(kKinds, step.kind));
  if (is_spatial(step.kind)) out.set("size", step.size);
  if (is_resize(step.kind)) {
    out.set("filter", name_of(kFilters, step.filter));
    out.set("antialias", step.antialias);
  }
  if (step.kind == Kind::kNormalize) {
    out.set("mean", colours_to_json(step.mean));
    out.set("std", colours_to_json(step.std));
  }
  return out;
}

Result<Step> parse_step(const Json& json, std::string_view subject) {
  Step step;
  MIEN_ASSIGN_OR_RETURN(step.kind, parse_name(kKinds, json, "kind", subject));
  std::vector<std::string_view> known{"kind"};
  if (is_spatial(step.kind)) {
    known.push_back("size");
    MIEN_ASSIGN_OR_RETURN(const std::int64_t size, json_integer(json, "size", subject));
    if (size < 1 || size > kMaxSize) {
      return corrupt(fmt::format("{}: size {} (expected 1 to {})", subject, size, kMaxSize));
    }
    step.size = static_cast<int>(size);
  }
  if (is_resize(step.kind)) {
    known.insert(known.end(), {"filter", "antialias"});
    MIEN_ASSIGN_OR_RETURN(step.filter, parse_name(kFilters, json, "filter", subject));
    MIEN_ASSIGN_OR_RETURN(step.antialias, json_bool(json, "antialias", subject));
  }
  if (step.kind == Kind::kNormalize) {
    known.insert(known.end(), {"mean", "std"});
    MIEN_ASSIGN_OR_RETURN(step.mean, parse_colours(json, "mean", subject));
    MIEN_ASSIGN_OR_RETURN(step.std, parse_colours(json, "std", subject));
  }
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, known, subject));
  return step;
}

// One step, given whether the values are floats already.
Status check_step(const Step& step, bool is_float) {
  const auto problem = [&](std::string_view text) {
    return invalid_argument(
        fmt::format("preprocessing: step '{}' {}", name_of(kKinds, step.kind), text));
  };
  if (is_spatial(step.kind) && (step.size < 1 || step.size > kMaxSize)) {
    return problem(fmt::format("has size {} (expected 1 to {})", step.size, kMaxSize));
  }
  switch (step.kind) {
    case Kind::kGrey: return is_float ? problem("comes after 'to_float'") : Status();
    case Kind::kToFloat: return is_float ? problem("occurs twice (expected once)") : Status();
    case Kind::kNormalize:
      if (!is_float) return problem("comes before 'to_float'");
      for (std::size_t c = 0; c < 3; ++c) {
        if (!std::isfinite(step.mean[c])) return problem("has a mean that is not finite");
        if (!std::isfinite(step.std[c]) || !(step.std[c] > 0)) {
          return problem(fmt::format("has std {} (expected above 0)", step.std[c]));
        }
      }
      return {};
    default: return {};
  }
}

}  // namespace

PreprocessSpec PreprocessSpec::clip(int size) {
  return {{resize(Kind::kResizeShorter, size, Filter::kBicubic, true), center_crop(size),
           to_float(), clip_normalize()}};
}

PreprocessSpec PreprocessSpec::normalized_first(int size) {
  return {{to_float(), clip_normalize(),
           resize(Kind::kResizeShorter, size, Filter::kBicubic, false), center_crop(size)}};
}

PreprocessSpec PreprocessSpec::stretched(int size) {
  return {{resize(Kind::kResizeExact, size, Filter::kBilinear, true), to_float()}};
}

PreprocessSpec PreprocessSpec::imagenet(int size) {
  const Step normalize = {.kind = Kind::kNormalize, .mean = kImagenetMean, .std = kImagenetStd};
  return {{resize(Kind::kResizeShorter, size, Filter::kBilinear, true), center_crop(size),
           to_float(), normalize}};
}

Json PreprocessSpec::to_json() const {
  Json list = Json::array();
  for (const Step& step : steps) list.push_back(step_to_json(step));
  Json out = Json::object();
  out.set("steps", std::move(list));
  return out;
}

Result<PreprocessSpec> PreprocessSpec::parse(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"steps"}, subject));
  const Json* list = json.find("steps");
  if (list == nullptr || !list->is_array() || list->size() > kMaxSteps) {
    return corrupt(fmt::format("{}: 'steps' is missing or wrong (expected an array of at most {})",
                               subject, kMaxSteps));
  }
  PreprocessSpec spec;
  for (std::size_t i = 0; i < list->size(); ++i) {
    MIEN_ASSIGN_OR_RETURN(
        Step step, parse_step(list->as_array()[i], fmt::format("{}: steps[{}]", subject, i)));
    spec.steps.push_back(step);
  }
  if (const Status status = spec.validate(); !status.ok()) {
    return corrupt(fmt::format("{}: {}", subject, status.message()));
  }
  return spec;
}

Status PreprocessSpec::validate() const {
  if (steps.size() > kMaxSteps) {
    return invalid_argument(
        fmt::format("preprocessing: {} steps (expected at most {})", steps.size(), kMaxSteps));
  }
  bool is_float = false;
  bool is_square = false;
  for (const Step& step : steps) {
    MIEN_RETURN_IF_ERROR(check_step(step, is_float));
    if (step.kind == Kind::kToFloat) is_float = true;
    if (is_spatial(step.kind)) is_square = step.kind != Kind::kResizeShorter;
  }
  if (!is_float) return invalid_argument("preprocessing: no step 'to_float' (expected one)");
  if (!is_square) {
    return invalid_argument(
        "preprocessing: the result is not square (expected 'resize_exact' or 'center_crop' as the "
        "last step that changes the size)");
  }
  return {};
}

int PreprocessSpec::output_size() const {
  int size = 0;
  for (const Step& step : steps) {
    if (is_spatial(step.kind)) size = step.size;
  }
  MIEN_CHECK(size > 0);
  return size;
}

}  // namespace mien::image
