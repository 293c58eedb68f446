#include <fmt/format.h>

#include <algorithm>

#include "engine/bundle_folder.h"
#include "mien/engine/detector.h"

namespace mien::engine {
namespace {

constexpr std::int64_t kVersion = 1;
constexpr std::size_t kMostStages = 16;
constexpr std::size_t kMostLayers = 64;  // of a stage
constexpr std::int64_t kMostWidth = 1024;
constexpr std::int64_t kMostLevels = 6;

Result<int> count_in(const Json& json, const char* key, std::int64_t least, std::int64_t most,
                     std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::int64_t value, json_integer(json, key, subject));
  if (value >= least && value <= most) return static_cast<int>(value);
  return corrupt(fmt::format("{}: '{}' is out of range (expected {} to {}, got {})", subject, key,
                             least, most, value));
}

Result<bool> flag_in(const Json& json, const char* key, std::string_view subject) {
  const Json* found = json.find(key);
  if (found != nullptr && found->is_bool()) return found->as_bool();
  return corrupt(fmt::format("{}: '{}' is missing (expected true or false)", subject, key));
}

Result<PyramidSizes::Stage> parse_stage(const Json& json, std::string_view subject) {
  if (!json.is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"halve", "widths"}, subject));
  PyramidSizes::Stage out;
  MIEN_ASSIGN_OR_RETURN(out.halve, flag_in(json, "halve", subject));
  const Json* widths = json.find("widths");
  if (widths == nullptr || !widths->is_array() || widths->size() == 0 ||
      widths->size() > kMostLayers) {
    return corrupt(
        fmt::format("{}: 'widths' is missing (expected a list of 1 to {})", subject, kMostLayers));
  }
  for (const Json& width : widths->as_array()) {
    const bool fits = width.is_number() && width.as_number() >= 1 &&
                      width.as_number() <= kMostWidth &&
                      width.as_number() == static_cast<int>(width.as_number());
    if (!fits)
      return corrupt(
          fmt::format("{}: 'widths' (expected whole numbers from 1 to {})", subject, kMostWidth));
    out.widths.push_back(static_cast<int>(width.as_number()));
  }
  return out;
}

// The pyramid adds a level to the next, twice as fine, so both have as many channels.
Status check_levels(const PyramidSizes& sizes, std::string_view subject) {
  const auto stages = static_cast<int>(sizes.stages.size());
  if (sizes.levels > stages) {
    return corrupt(fmt::format("{}: {} levels of {} stages (expected at most one each)", subject,
                               sizes.levels, stages));
  }
  for (int s = stages - sizes.levels; s < stages; ++s) {
    const auto& stage = sizes.stages[static_cast<std::size_t>(s)];
    if (stage.widths.back() != sizes.width()) {
      return corrupt(fmt::format("{}: stage {} has {} channels (expected {}, as the last)", subject,
                                 s, stage.widths.back(), sizes.width()));
    }
    if (!stage.halve && s > stages - sizes.levels) {
      return corrupt(
          fmt::format("{}: stage {} does not halve (expected so, as a coarser level)", subject, s));
    }
  }
  return {};
}

}  // namespace

int PyramidSizes::stride(int level) const {
  int out = stem_stride;
  const std::size_t last = stages.size() - static_cast<std::size_t>(levels - level);
  for (std::size_t s = 0; s <= last; ++s) out *= stages[s].halve ? 2 : 1;
  return out;
}

Json PyramidSizes::to_json() const {
  Json list = Json::array();
  for (const Stage& stage : stages) {
    Json widths = Json::array();
    for (const int width : stage.widths) widths.push_back(width);
    list.push_back(Json::Object{{"halve", stage.halve}, {"widths", std::move(widths)}});
  }
  Json out = Json::object();
  out.set("kind", "pyramid");
  out.set("bgr", bgr);
  out.set("stem_width", stem_width);
  out.set("stem_kernel", stem_kernel);
  out.set("stem_stride", stem_stride);
  out.set("stages", std::move(list));
  out.set("levels", levels);
  out.set("shared", shared);
  return out;
}

Result<PyramidSizes> PyramidSizes::parse(const Json& json, std::string_view subject) {
  if (!json.is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json,
      {"kind", "bgr", "stem_width", "stem_kernel", "stem_stride", "stages", "levels", "shared"},
      subject));
  MIEN_ASSIGN_OR_RETURN(const std::string kind, json_string(json, "kind", subject));
  if (kind != "pyramid") {
    return unsupported(fmt::format("{}: detector of kind '{}' (expected pyramid)", subject, kind));
  }
  PyramidSizes out;
  MIEN_ASSIGN_OR_RETURN(out.bgr, flag_in(json, "bgr", subject));
  MIEN_ASSIGN_OR_RETURN(out.stem_width, count_in(json, "stem_width", 1, kMostWidth, subject));
  MIEN_ASSIGN_OR_RETURN(out.stem_kernel, count_in(json, "stem_kernel", 1, 9, subject));
  MIEN_ASSIGN_OR_RETURN(out.stem_stride, count_in(json, "stem_stride", 1, 4, subject));
  if (out.stem_kernel % 2 == 0 || out.stem_stride == 3) {
    return corrupt(
        fmt::format("{}: stem of {} pixels, stride {} (expected an odd number, and 1, 2 or 4)",
                    subject, out.stem_kernel, out.stem_stride));
  }
  const Json* stages = json.find("stages");
  if (stages == nullptr || !stages->is_array() || stages->size() == 0 ||
      stages->size() > kMostStages) {
    return corrupt(
        fmt::format("{}: 'stages' is missing (expected a list of 1 to {})", subject, kMostStages));
  }
  for (const Json& item : stages->as_array()) {
    MIEN_ASSIGN_OR_RETURN(
        auto stage, parse_stage(item, fmt::format("{}: stages[{}]", subject, out.stages.size())));
    out.stages.push_back(std::move(stage));
  }
  MIEN_ASSIGN_OR_RETURN(out.levels, count_in(json, "levels", 1, kMostLevels, subject));
  MIEN_ASSIGN_OR_RETURN(out.shared, count_in(json, "shared", 0, kMostLayers, subject));
  MIEN_RETURN_IF_ERROR(check_levels(out, subject));
  return out;
}

Json DetectorInfo::to_json() const {
  Json out = Json::object();
  out.set("kind", kDetectorKind);
  out.set("format_version", kVersion);
  out.set("name", name);
  out.set("architecture", sizes.to_json());
  out.set("threshold", threshold);
  out.set("overlap", overlap);
  out.set("smallest_face", smallest_face);
  if (largest_face > 0) out.set("largest_face", largest_face);
  out.set("square_side", square_side);
  out.set("square_down", square_down);
  out.set("licence", licence);
  out.set("provenance", provenance);
  out.set("files", files_json(files));
  return out;
}

Result<DetectorInfo> DetectorInfo::parse(std::string_view text, std::string_view subject,
                                         const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const Json json, parse_info(text, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const std::string kind, bundle_kind(json, subject));
  if (kind != kDetectorKind) {
    return invalid_argument(
        fmt::format("{}: a bundle of kind '{}' (expected a detector of faces)", subject, kind));
  }
  MIEN_ASSIGN_OR_RETURN(const std::int64_t version, json_integer(json, "format_version", subject));
  if (version != kVersion) {
    return unsupported(
        fmt::format("{}: detector format version {} (expected {})", subject, version, kVersion));
  }
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json,
      {"kind", "format_version", "name", "architecture", "threshold", "overlap", "smallest_face",
       "largest_face", "square_side", "square_down", "licence", "provenance", "files"},
      subject));
  DetectorInfo out;
  MIEN_ASSIGN_OR_RETURN(out.name, json_string(json, "name", subject));
  const Json* sizes = json.find("architecture");
  if (sizes == nullptr) return corrupt(fmt::format("{}: 'architecture' is missing", subject));
  MIEN_ASSIGN_OR_RETURN(out.sizes,
                        PyramidSizes::parse(*sizes, fmt::format("{}: architecture", subject)));
  MIEN_ASSIGN_OR_RETURN(out.threshold, number_in(json, "threshold", 0.01, 0.99, subject));
  MIEN_ASSIGN_OR_RETURN(out.overlap, number_in(json, "overlap", 0, 1, subject));
  MIEN_ASSIGN_OR_RETURN(out.smallest_face, number_in(json, "smallest_face", 1, 1000, subject));
  if (json.find("largest_face") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(out.largest_face, number_in(json, "largest_face", 32, 1e6, subject));
  }
  MIEN_ASSIGN_OR_RETURN(out.square_side, number_in(json, "square_side", 0.1, 10, subject));
  MIEN_ASSIGN_OR_RETURN(out.square_down, number_in(json, "square_down", -1, 1, subject));
  MIEN_ASSIGN_OR_RETURN(out.licence, json_string(json, "licence", subject));
  MIEN_ASSIGN_OR_RETURN(out.provenance, parse_provenance(json, subject));
  MIEN_ASSIGN_OR_RETURN(out.files, parse_files(json, subject));
  return out;
}

}  // namespace mien::engine
