#include "engine/neutral.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/architecture_parts.h"
#include "engine/transformer.h"
#include "mien/core/check.h"

namespace mien::engine {
namespace {

constexpr double kMostDistance = 2;

double dot_of(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return sum;
}

// bias + weight * x, one row of weight per value.
std::vector<float> linear(const std::vector<float>& weight, const std::vector<float>& bias,
                          std::span<const float> x) {
  std::vector<float> out = bias;
  for (std::size_t o = 0; o < out.size(); ++o) {
    out[o] += static_cast<float>(dot_of(std::span(weight).subspan(o * x.size(), x.size()), x));
  }
  return out;
}

}  // namespace

Result<NeutralNetwork> parse_neutral(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json, {"type", "hidden", "from", "to"}, subject));
  MIEN_ASSIGN_OR_RETURN(const std::string type, json_string(json, "type", subject));
  if (type != "mlp") {
    return unsupported(fmt::format("{}: unknown network '{}' (expected mlp)", subject, type));
  }
  NeutralNetwork out;
  MIEN_ASSIGN_OR_RETURN(out.hidden, read_size(json, "hidden", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(out.from, json_number(json, "from", subject));
  MIEN_ASSIGN_OR_RETURN(out.to, json_number(json, "to", subject));
  return out;
}

Json neutral_json(const NeutralNetwork& network) {
  Json out = Json::object();
  out.set("type", "mlp");
  out.set("hidden", network.hidden);
  out.set("from", network.from);
  out.set("to", network.to);
  return out;
}

Status check_neutral(const NeutralNetwork& network, std::string_view subject) {
  if (!(network.from >= 0 && network.from < network.to && network.to <= kMostDistance)) {
    return corrupt(fmt::format("{}: distances from {} to {} (expected 0 <= from < to <= 2)",
                               subject, network.from, network.to));
  }
  return {};
}

void add_neutral(std::vector<ExpectedTensor>& out, const NeutralNetwork& network, int embed) {
  out.push_back({"neutral.0.weight", {network.hidden, embed}});
  out.push_back({"neutral.0.bias", {network.hidden}});
  out.push_back({"neutral.2.weight", {embed, network.hidden}});
  out.push_back({"neutral.2.bias", {embed}});
}

Result<std::shared_ptr<const NeutralDifference>> NeutralDifference::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture) {
  if (!architecture.neutral) return std::shared_ptr<const NeutralDifference>();
  const std::shared_ptr<NeutralDifference> out(new NeutralDifference());
  out->sizes_ = *architecture.neutral;
  MIEN_ASSIGN_OR_RETURN(out->in_weight_, load_vector(weights, "neutral.0.weight"));
  MIEN_ASSIGN_OR_RETURN(out->in_bias_, load_vector(weights, "neutral.0.bias"));
  MIEN_ASSIGN_OR_RETURN(out->out_weight_, load_vector(weights, "neutral.2.weight"));
  MIEN_ASSIGN_OR_RETURN(out->out_bias_, load_vector(weights, "neutral.2.bias"));
  return std::shared_ptr<const NeutralDifference>(out);
}

float NeutralDifference::distance(std::span<const float> raw) const {
  MIEN_CHECK(raw.size() == out_bias_.size());
  std::vector<float> hidden = linear(in_weight_, in_bias_, raw);
  for (float& value : hidden) value = std::max(value, 0.0F);
  const std::vector<float> neutral = linear(out_weight_, out_bias_, hidden);
  const double lengths = std::sqrt(dot_of(raw, raw) * dot_of(neutral, neutral));
  return lengths > 0 ? static_cast<float>(1 - dot_of(raw, neutral) / lengths) : 0.0F;
}

float NeutralDifference::intensity(std::span<const float> raw) const {
  const double share =
      (static_cast<double>(distance(raw)) - sizes_.from) / (sizes_.to - sizes_.from);
  return static_cast<float>(std::clamp(share, 0.0, 1.0));
}

}  // namespace mien::engine
