#include "engine/reciprocal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/architecture_parts.h"
#include "engine/transformer.h"
#include "mien/core/check.h"

namespace mien::engine {
namespace {

constexpr const char* kPoints = "reciprocal.points";
constexpr const char* kAdapter = "reciprocal.adapter";
constexpr int kMaxReciprocal = 4096;
constexpr double kMaxShare = 1000;
constexpr double kMaxLength = 1e6;

}  // namespace

Result<ReciprocalPoints> parse_reciprocal(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"labels", "adapter", "cosine_weight", "distance_weight", "length"}, subject));
  ReciprocalPoints out;
  MIEN_ASSIGN_OR_RETURN(out.labels, read_size(json, "labels", kMaxReciprocal, subject));
  MIEN_ASSIGN_OR_RETURN(out.adapter, json_bool(json, "adapter", subject));
  MIEN_ASSIGN_OR_RETURN(out.cosine_weight, json_number(json, "cosine_weight", subject));
  MIEN_ASSIGN_OR_RETURN(out.distance_weight, json_number(json, "distance_weight", subject));
  if (json.find("length") != nullptr) {
    MIEN_ASSIGN_OR_RETURN(out.length, json_number(json, "length", subject));
  }
  return out;
}

Json reciprocal_json(const ReciprocalPoints& points) {
  Json out = Json::Object{{"labels", points.labels},
                          {"adapter", points.adapter},
                          {"cosine_weight", points.cosine_weight},
                          {"distance_weight", points.distance_weight}};
  if (points.length > 0) out.set("length", points.length);
  return out;
}

Status check_reciprocal(const ReciprocalPoints& points, std::string_view subject) {
  const auto share = [](double value) { return value >= 0 && value <= kMaxShare; };
  if (points.labels >= 1 && share(points.cosine_weight) && share(points.distance_weight) &&
      points.cosine_weight + points.distance_weight > 0 && points.length >= 0 &&
      points.length <= kMaxLength) {
    return {};
  }
  return corrupt(
      fmt::format("{}: {} labels, weights {} and {}, length {} (expected at least 1, weights "
                  "from 0 to {}, not both 0, and a length from 0 to {})",
                  subject, points.labels, points.cosine_weight, points.distance_weight,
                  points.length, kMaxShare, kMaxLength));
}

void add_reciprocal(std::vector<ExpectedTensor>& out, const Architecture& architecture) {
  if (!architecture.reciprocal) return;
  out.push_back({kPoints, {architecture.reciprocal->labels, architecture.embed}});
  if (architecture.reciprocal->adapter) {
    out.push_back({kAdapter, {architecture.embed, architecture.embed}});
  }
}

Result<std::shared_ptr<const ReciprocalDistance>> ReciprocalDistance::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture) {
  if (!architecture.reciprocal) return std::shared_ptr<const ReciprocalDistance>();
  const std::shared_ptr<ReciprocalDistance> out(new ReciprocalDistance());
  out->sizes_ = *architecture.reciprocal;
  out->embed_ = static_cast<std::size_t>(architecture.embed);
  MIEN_ASSIGN_OR_RETURN(out->points_, load_vector(weights, kPoints));
  if (out->sizes_.adapter) {
    MIEN_ASSIGN_OR_RETURN(out->adapter_, load_vector(weights, kAdapter));
  }
  return std::shared_ptr<const ReciprocalDistance>(out);
}

std::vector<double> ReciprocalDistance::scores(std::span<const float> unit, double length) const {
  MIEN_CHECK(unit.size() == embed_);
  if (sizes_.length > 0) length = sizes_.length;
  std::vector<double> f(embed_);
  for (std::size_t i = 0; i < embed_; ++i) {
    if (adapter_.empty()) {
      f[i] = length * static_cast<double>(unit[i]);
      continue;
    }
    for (std::size_t j = 0; j < embed_; ++j) {
      f[i] += length * static_cast<double>(unit[j]) * static_cast<double>(adapter_[i * embed_ + j]);
    }
  }
  std::vector<double> out;
  for (int label = 0; label < sizes_.labels; ++label) {
    const float* point = points_.data() + static_cast<std::size_t>(label) * embed_;
    double distance = 0, product = 0;
    for (std::size_t i = 0; i < embed_; ++i) {
      const auto u = static_cast<double>(point[i]);
      distance += (f[i] - u) * (f[i] - u);
      product += f[i] * u;
    }
    out.push_back(distance / static_cast<double>(embed_) - product);
  }
  return out;
}

}  // namespace mien::engine
