#include "mien/engine/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/bundle_folder.h"
#include "mien/core/check.h"
#include "mien/tensor/tensor.h"

namespace mien::engine {
namespace {

constexpr std::int64_t kMostFaces = 65'536;
constexpr std::int64_t kMostDirections = 4096;
constexpr std::size_t kMostClasses = 1000;
constexpr std::size_t kMostWords = 100'000;
constexpr std::size_t kMostName = 1000;
// Deviations by which the faces of a class fit a label better than all faces do, when it is clear
// that the label names the class. Own labels of the compact bundle have 1.6 to 2.2.
constexpr double kClearly = 1.4;
constexpr double kLeastDeviation = 1e-6;

Result<std::vector<ReferenceInfo::Class>> parse_classes(const Json& json,
                                                        std::string_view subject) {
  const Json* list = json.find("classes");
  if (list == nullptr || !list->is_array() || list->size() == 0 || list->size() > kMostClasses) {
    return corrupt(fmt::format("{}: 'classes' is missing (expected a list of 1 to {})", subject,
                               kMostClasses));
  }
  std::vector<ReferenceInfo::Class> out;
  std::set<std::string> names;
  for (const Json& item : list->as_array()) {
    const std::string place = fmt::format("{}: classes[{}]", subject, out.size());
    MIEN_RETURN_IF_ERROR(json_reject_unknown(item, {"name", "faces", "share"}, place));
    ReferenceInfo::Class one;
    MIEN_ASSIGN_OR_RETURN(one.name, json_string(item, "name", place));
    MIEN_ASSIGN_OR_RETURN(one.faces, json_integer(item, "faces", place));
    MIEN_ASSIGN_OR_RETURN(one.share, number_in(item, "share", 0, 1, place));
    if (one.name.empty() || one.name.size() > kMostName || !names.insert(one.name).second ||
        one.faces < 1 || one.faces > kMostFaces) {
      return corrupt(
          fmt::format("{}: empty, long or duplicate name, or {} faces (expected 1 to {})", place,
                      one.faces, kMostFaces));
    }
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<std::string>> parse_words(const Json& json, std::string_view subject) {
  const Json* list = json.find("words");
  if (list == nullptr || !list->is_array() || list->size() > kMostWords) {
    return corrupt(fmt::format("{}: 'words' is missing (expected a list)", subject));
  }
  std::vector<std::string> out;
  for (const Json& word : list->as_array()) {
    if (!word.is_string() || word.as_string().empty() || word.as_string().size() > kMostName) {
      return corrupt(fmt::format("{}: 'words' has an entry that is not a word", subject));
    }
    out.push_back(word.as_string());
  }
  if (!std::is_sorted(out.begin(), out.end())) {
    return corrupt(fmt::format("{}: 'words' is not sorted", subject));
  }
  return out;
}

Result<std::vector<float>> read_rows(const checkpoint::Checkpoint& weights, const char* name,
                                     const Shape& expected, std::string_view subject) {
  const TensorView* view = weights.find(name);
  if (view == nullptr) return corrupt(fmt::format("{}: has no '{}'", subject, name));
  const bool floats = view->dtype() == DType::kF16 || view->dtype() == DType::kF32;
  if (!floats || view->shape() != expected) {
    return corrupt(fmt::format("{}: '{}' is {} {} (expected F16 or F32 {})", subject, name,
                               mien::to_string(view->dtype()), mien::to_string(view->shape()),
                               mien::to_string(expected)));
  }
  std::vector<float> out(view->size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(*view, out));
  if (!std::all_of(out.begin(), out.end(), [](float v) { return std::isfinite(v); })) {
    return corrupt(fmt::format("{}: '{}' has values that are not finite", subject, name));
  }
  return out;
}

// The value that `level` of the weight lies below.
double quantile(std::vector<std::pair<double, double>> weighted, double level) {
  std::sort(weighted.begin(), weighted.end());
  double total = 0;
  for (const auto& [value, weight] : weighted) total += weight;
  double sum = 0;
  for (const auto& [value, weight] : weighted) {
    sum += weight;
    if (sum > level * total) return value;
  }
  return weighted.back().first;
}

}  // namespace

std::int64_t ReferenceInfo::faces() const {
  std::int64_t out = 0;
  for (const Class& one : classes) out += one.faces;
  return out;
}

Json ReferenceInfo::to_json() const {
  Json list = Json::array();
  for (const Class& one : classes) {
    list.push_back(Json::Object{{"name", one.name}, {"faces", one.faces}, {"share", one.share}});
  }
  Json seen = Json::array();
  for (const std::string& word : words) seen.push_back(word);
  Json out = Json::object();
  out.set("classes", std::move(list));
  out.set("directions", directions);
  out.set("far", far);
  out.set("far_unit", far_unit);
  out.set("level", level);
  out.set("threshold", threshold);
  out.set("slope", slope);
  out.set("offset", offset);
  out.set("words", std::move(seen));
  return out;
}

Result<ReferenceInfo> ReferenceInfo::parse(const Json& json, std::string_view subject,
                                           const Limits&) {
  if (!json.is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json,
                                           {"classes", "directions", "far", "far_unit", "level",
                                            "threshold", "slope", "offset", "words"},
                                           subject));
  ReferenceInfo out;
  MIEN_ASSIGN_OR_RETURN(out.classes, parse_classes(json, subject));
  if (out.faces() > kMostFaces) {
    return corrupt(
        fmt::format("{}: {} faces (expected at most {})", subject, out.faces(), kMostFaces));
  }
  MIEN_ASSIGN_OR_RETURN(out.directions, json_integer(json, "directions", subject));
  if (out.directions < 0 || out.directions > kMostDirections) {
    return corrupt(fmt::format("{}: 'directions' is out of range (expected 0 to {}, got {})",
                               subject, kMostDirections, out.directions));
  }
  MIEN_ASSIGN_OR_RETURN(out.far, number_in(json, "far", 0, 10, subject));
  MIEN_ASSIGN_OR_RETURN(out.far_unit, number_in(json, "far_unit", 1e-9, 10, subject));
  MIEN_ASSIGN_OR_RETURN(out.level, number_in(json, "level", 0, 1, subject));
  MIEN_ASSIGN_OR_RETURN(out.threshold, number_in(json, "threshold", -1e3, 1e3, subject));
  MIEN_ASSIGN_OR_RETURN(out.slope, number_in(json, "slope", 0, 1e3, subject));
  MIEN_ASSIGN_OR_RETURN(out.offset, number_in(json, "offset", -1e3, 1e3, subject));
  MIEN_ASSIGN_OR_RETURN(out.words, parse_words(json, subject));
  return out;
}

Reference::Reference(ReferenceInfo info, std::vector<float> faces, std::vector<float> basis,
                     std::int64_t embed)
    : info_(std::move(info)),
      faces_(std::move(faces)),
      basis_(std::move(basis)),
      embed_(static_cast<std::size_t>(embed)) {
  MIEN_CHECK(faces_.size() == static_cast<std::size_t>(info_.faces()) * embed_);
  MIEN_CHECK(basis_.size() == static_cast<std::size_t>(1 + info_.directions) * embed_);
  for (std::size_t c = 0; c < info_.classes.size(); ++c) {
    class_of_.insert(class_of_.end(), static_cast<std::size_t>(info_.classes[c].faces), c);
  }
}

Result<std::shared_ptr<const Reference>> Reference::load(const checkpoint::Checkpoint& weights,
                                                         const ReferenceInfo* info,
                                                         std::int64_t embed,
                                                         std::string_view subject) {
  if (info == nullptr) return std::shared_ptr<const Reference>();
  MIEN_ASSIGN_OR_RETURN(std::vector<float> faces,
                        read_rows(weights, kFaces, {info->faces(), embed}, subject));
  MIEN_ASSIGN_OR_RETURN(std::vector<float> basis,
                        read_rows(weights, kBasis, {1 + info->directions, embed}, subject));
  return std::shared_ptr<const Reference>(
      std::make_shared<Reference>(*info, std::move(faces), std::move(basis), embed));
}

std::span<const float> Reference::face(std::int64_t row) const {
  return std::span(faces_).subspan(static_cast<std::size_t>(row) * embed_, embed_);
}

LabelFit Reference::fit(std::span<const double> cosines, std::size_t labels) const {
  MIEN_CHECK(cosines.size() == class_of_.size() * labels);
  LabelFit out;
  const std::size_t classes = info_.classes.size();
  std::vector<bool> named(classes, false);
  for (std::size_t l = 0; l < labels; ++l) {
    // Every class counts alike, however common it is.
    std::vector<double> sums(classes, 0.0);
    double square = 0;
    for (std::size_t f = 0; f < class_of_.size(); ++f) {
      const double value = cosines[f * labels + l];
      const auto count = static_cast<double>(info_.classes[class_of_[f]].faces);
      sums[class_of_[f]] += value / count;
      square += value * value / count;
    }
    const double mean =
        std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(classes);
    const double variance = square / static_cast<double>(classes) - mean * mean;
    out.mean.push_back(mean);
    out.deviation.push_back(std::max(kLeastDeviation, std::sqrt(std::max(0.0, variance))));
    const auto best = std::max_element(sums.begin(), sums.end());
    if ((*best - mean) / out.deviation.back() >= kClearly) {
      named[static_cast<std::size_t>(best - sums.begin())] = true;
    }
  }
  std::vector<std::pair<double, double>> scores;
  for (std::size_t f = 0; f < class_of_.size(); ++f) {
    const ReferenceInfo::Class& of = info_.classes[class_of_[f]];
    if (!named[class_of_[f]] || of.share <= 0) continue;
    double most = -1e9;
    for (std::size_t l = 0; l < labels; ++l) {
      most = std::max(most, (cosines[f * labels + l] - out.mean[l]) / out.deviation[l]);
    }
    scores.emplace_back(most, of.share / static_cast<double>(of.faces));
  }
  out.threshold = scores.empty() ? info_.threshold : quantile(std::move(scores), info_.level);
  return out;
}

double Reference::distance(std::span<const float> embedding) const {
  MIEN_CHECK(embedding.size() == embed_);
  std::vector<double> rest(embed_);
  for (std::size_t i = 0; i < embed_; ++i) {
    rest[i] = static_cast<double>(embedding[i]) - static_cast<double>(basis_[i]);
  }
  for (std::int64_t d = 1; d <= info_.directions; ++d) {
    const float* row = basis_.data() + static_cast<std::size_t>(d) * embed_;
    double along = 0;
    for (std::size_t i = 0; i < embed_; ++i) along += rest[i] * static_cast<double>(row[i]);
    for (std::size_t i = 0; i < embed_; ++i) rest[i] -= along * static_cast<double>(row[i]);
  }
  double square = 0;
  for (const double value : rest) square += value * value;
  return std::sqrt(square);
}

double Reference::nearness(std::span<const float> embedding) const {
  return (info_.far - distance(embedding)) / info_.far_unit;
}

double known_score(const Reference& reference, const LabelFit& fit, std::span<const float> face,
                   std::span<const double> cosines) {
  double most = -1e9;
  for (std::size_t l = 0; l < fit.mean.size(); ++l) {
    most = std::max(most, (cosines[l] - fit.mean[l]) / fit.deviation[l]);
  }
  return std::min(most - fit.threshold, reference.nearness(face));
}

}  // namespace mien::engine
