// A weighted mean of the unit frame embeddings.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

Result<AttentionPoolSizes> parse_attention_pool(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(
      json_reject_unknown(json, {"type", "width", "hidden", "positions"}, subject));
  AttentionPoolSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.width, read_size(json, "width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.hidden, read_size(json, "hidden", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.positions, read_size(json, "positions", kMaxContext, subject));
  return sizes;
}

void write_attention_pool(const AttentionPoolSizes& sizes, Json& out) {
  out.set("width", sizes.width);
  out.set("hidden", sizes.hidden);
  out.set("positions", sizes.positions);
}

Status check_attention_pool(const AttentionPoolSizes& sizes, int embed, std::string_view subject) {
  if (sizes.width == embed && sizes.hidden >= 1 && sizes.positions >= 2) return {};
  return corrupt(fmt::format(
      "{}: width {}, {} hidden units, {} positions (expected width {}, 1 hidden unit or more, 2 "
      "positions or more)",
      subject, sizes.width, sizes.hidden, sizes.positions, embed));
}

void add_attention_pool(const AttentionPoolSizes& sizes, int /*embed*/,
                        std::vector<ExpectedTensor>& out) {
  out.push_back({"temporal.score.0.weight", {sizes.hidden, std::int64_t{3} * sizes.width}});
  out.push_back({"temporal.score.0.bias", {sizes.hidden}});
  out.push_back({"temporal.score.2.weight", {1, sizes.hidden}});
}

std::string describe_attention_pool(const AttentionPoolSizes& sizes) {
  return fmt::format("attention pooling, {} hidden units, at most {} frames", sizes.hidden,
                     sizes.positions - 1);
}

struct PoolTemporal final : TemporalEncoder::Impl {
  kernels::Linear hidden;
  std::vector<float> score;

  Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                     Session::Impl& session) const override;
};

// What the score of a frame sees: the frame, how it differs from the clip, and how it and its
// neighbours do. Shape: x [count, width] of unit rows -> out [count, 3 * width].
void pool_features(const float* x, std::int64_t count, std::int64_t width, float* out) {
  std::vector<float> mean(static_cast<std::size_t>(width));
  for (std::int64_t t = 0; t < count; ++t) {
    for (std::int64_t i = 0; i < width; ++i) mean[static_cast<std::size_t>(i)] += x[t * width + i];
  }
  for (float& value : mean) value /= static_cast<float>(count);
  for (std::int64_t t = 0; t < count; ++t) {
    const std::int64_t before = std::max<std::int64_t>(t - 1, 0);
    const std::int64_t after = std::min(t + 1, count - 1);
    float* to = out + t * 3 * width;
    for (std::int64_t i = 0; i < width; ++i) {
      const float own = x[t * width + i];
      const float near = (x[before * width + i] + own + x[after * width + i]) / 3.0F;
      to[i] = own;
      to[width + i] = own - mean[static_cast<std::size_t>(i)];
      to[2 * width + i] = near - mean[static_cast<std::size_t>(i)];
    }
  }
}

Status PoolTemporal::encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                                 float* out, Session::Impl& session) const {
  const std::int64_t rows = clips * count, units = hidden.out();
  auto* x = session.stream.reserve_as<float>(static_cast<std::size_t>(rows * width));
  std::copy(frames, frames + rows * width, x);
  kernels::l2_normalize_rows(x, rows, width);
  auto* seen = session.normed.reserve_as<float>(static_cast<std::size_t>(rows * 3 * width));
  for (std::int64_t n = 0; n < clips; ++n) {
    pool_features(x + n * count * width, count, width, seen + n * count * 3 * width);
  }
  auto* inner = session.hidden.reserve_as<float>(static_cast<std::size_t>(rows * units));
  MIEN_RETURN_IF_ERROR(hidden.run(seen, rows, inner, session.workspace));
  std::fill(out, out + clips * width, 0.0F);
  std::vector<float> weights(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < clips; ++n) {
    for (std::int64_t t = 0; t < count; ++t) {
      const float* h = inner + (n * count + t) * units;
      float sum = 0;
      for (std::size_t i = 0; i < score.size(); ++i) sum += score[i] * std::tanh(h[i]);
      weights[static_cast<std::size_t>(t)] = sum;
    }
    const float most = *std::max_element(weights.begin(), weights.end());
    float total = 0;
    for (float& weight : weights) total += weight = std::exp(weight - most);
    for (std::int64_t t = 0; t < count; ++t) {
      const float share = weights[static_cast<std::size_t>(t)] / total;
      const float* row = x + (n * count + t) * width;
      for (std::int64_t i = 0; i < width; ++i) out[n * width + i] += share * row[i];
    }
  }
  return {};
}

Result<std::unique_ptr<TemporalEncoder::Impl>> load_attention_pool(
    const checkpoint::Checkpoint& weights, const AttentionPoolSizes& /*sizes*/,
    kernels::Precision /*precision*/) {
  auto impl = std::make_unique<PoolTemporal>();
  const TensorView* weight = weights.find("temporal.score.0.weight");
  const TensorView* bias = weights.find("temporal.score.0.bias");
  MIEN_CHECK(weight != nullptr && bias != nullptr);
  MIEN_ASSIGN_OR_RETURN(impl->hidden, kernels::Linear::pack(*weight, bias, {}));
  MIEN_ASSIGN_OR_RETURN(impl->score, load_vector(weights, "temporal.score.2.weight"));
  return std::unique_ptr<TemporalEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const TemporalKind<AttentionPoolSizes> kAttentionPoolKind = {
    .type = "attention_pool",
    .name = "attention pooling",
    .parse = parse_attention_pool,
    .write = write_attention_pool,
    .check = check_attention_pool,
    .add_tensors = add_attention_pool,
    .load = load_attention_pool,
    .describe = describe_attention_pool,
    .changes_pictures = false,
};

}  // namespace mien::engine
