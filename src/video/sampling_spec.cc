#include <array>
#include <limits>
#include <string>
#include <utility>

#include "mien/core/check.h"
#include "mien/video/sampling.h"

namespace mien::video {
namespace {

constexpr std::array<std::pair<SamplingRule, std::string_view>, 6> kNames = {{
    {SamplingRule::kUniform, "uniform"},
    {SamplingRule::kStridedWindow, "emoclip"},
    {SamplingRule::kSegmentsOrHold, "dfer_clip"},
    {SamplingRule::kCentresOrFirst, "exp_clip"},
    {SamplingRule::kSegmentsOrFirst, "cliper"},
    {SamplingRule::kEightSegmentsOrFirst, "hesp"},
}};

Result<int> small_integer(const Json& json, std::string_view key, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::int64_t value, json_integer(json, key, subject));
  if (value < 0 || value > std::numeric_limits<int>::max()) {
    return invalid_argument(std::string(subject) + ": '" + std::string(key) +
                            "' is out of range (got " + std::to_string(value) + ")");
  }
  return static_cast<int>(value);
}

}  // namespace

std::string_view to_string(SamplingRule rule) {
  for (const auto& [value, name] : kNames) {
    if (value == rule) return name;
  }
  contract_failure("known SamplingRule", __FILE__, __LINE__);
}

Json SamplingSpec::to_json() const {
  Json out = Json::object();
  out.set("rule", to_string(rule));
  out.set("frames", frames);
  out.set("stride", stride);
  return out;
}

Result<SamplingSpec> SamplingSpec::parse(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"rule", "frames", "stride"}, subject));
  MIEN_ASSIGN_OR_RETURN(const std::string name, json_string(json, "rule", subject));
  SamplingSpec spec;
  bool known = false;
  for (const auto& [value, value_name] : kNames) {
    if (value_name == name) {
      spec.rule = value;
      known = true;
    }
  }
  if (!known) {
    std::string names;
    for (const auto& entry : kNames)
      names += (names.empty() ? "" : ", ") + std::string(entry.second);
    return corrupt(std::string(subject) + ": unknown sampling rule (expected one of " + names +
                   ", got '" + name + "')");
  }
  MIEN_ASSIGN_OR_RETURN(spec.frames, small_integer(json, "frames", subject));
  MIEN_ASSIGN_OR_RETURN(spec.stride, small_integer(json, "stride", subject));
  MIEN_RETURN_IF_ERROR(spec.validate().with_prefix(subject));
  return spec;
}

}  // namespace mien::video
