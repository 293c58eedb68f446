#include "mien/engine/temporal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "engine/transformer.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

constexpr BlockNames kTemporalBlock = {
    "0.fn.norm", "0.fn.fn.to_qkv.weight", nullptr,        "0.fn.fn.to_out.0",
    "1.fn.norm", "1.fn.fn.net.0",         "1.fn.fn.net.3"};

}  // namespace

struct TemporalEncoder::Impl {
  virtual ~Impl() = default;
  virtual Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                             float* out, Session::Impl& session) const = 0;
  TemporalTower tower;
};

namespace {

struct TransformerTemporal final : TemporalEncoder::Impl {
  std::vector<float> class_token;
  std::vector<float> positions;
  Transformer transformer;

  Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                     Session::Impl& session) const override;
};

struct PoolTemporal final : TemporalEncoder::Impl {
  kernels::Linear hidden;
  std::vector<float> score;

  Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                     Session::Impl& session) const override;
};

Result<std::unique_ptr<TemporalEncoder::Impl>> load_pool(const checkpoint::Checkpoint& weights) {
  auto impl = std::make_unique<PoolTemporal>();
  const TensorView* weight = weights.find("temporal.score.0.weight");
  const TensorView* bias = weights.find("temporal.score.0.bias");
  MIEN_CHECK(weight != nullptr && bias != nullptr);
  MIEN_ASSIGN_OR_RETURN(impl->hidden, kernels::Linear::pack(*weight, bias, {}));
  MIEN_ASSIGN_OR_RETURN(impl->score, load_vector(weights, "temporal.score.2.weight"));
  return std::unique_ptr<TemporalEncoder::Impl>(std::move(impl));
}

Result<std::unique_ptr<TemporalEncoder::Impl>> load_transformer(
    const checkpoint::Checkpoint& weights, const TemporalTower& tower,
    kernels::Precision precision) {
  auto impl = std::make_unique<TransformerTemporal>();
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "temporal.cls_token"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "temporal.pos_embedding"));
  MIEN_ASSIGN_OR_RETURN(
      impl->transformer,
      Transformer::load(weights, "temporal.temporal_transformer.layers.", kTemporalBlock,
                        {.width = tower.width,
                         .heads = tower.heads,
                         .head_width = tower.head_width,
                         .layers = tower.layers,
                         .activation = tower.activation},
                        precision));
  return std::unique_ptr<TemporalEncoder::Impl>(std::move(impl));
}

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

}  // namespace

TemporalEncoder::TemporalEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TemporalEncoder::~TemporalEncoder() = default;

Result<std::shared_ptr<const TemporalEncoder>> TemporalEncoder::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture,
    kernels::Precision precision) {
  MIEN_CHECK(architecture.temporal.has_value());
  const TemporalTower& tower = *architecture.temporal;
  MIEN_ASSIGN_OR_RETURN(auto impl, tower.hidden > 0
                                       ? load_pool(weights)
                                       : load_transformer(weights, tower, without_int8(precision)));
  impl->tower = tower;
  return std::shared_ptr<const TemporalEncoder>(new TemporalEncoder(std::move(impl)));
}

int TemporalEncoder::max_frames() const { return impl_->tower.positions - 1; }

Status PoolTemporal::encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                                 float* out, Session::Impl& session) const {
  const std::int64_t width = tower.width;
  const std::int64_t rows = clips * count;
  auto* x = session.stream.reserve_as<float>(static_cast<std::size_t>(rows * width));
  std::copy(frames, frames + rows * width, x);
  kernels::l2_normalize_rows(x, rows, width);
  auto* seen = session.normed.reserve_as<float>(static_cast<std::size_t>(rows * 3 * width));
  for (std::int64_t n = 0; n < clips; ++n) {
    pool_features(x + n * count * width, count, width, seen + n * count * 3 * width);
  }
  auto* inner = session.hidden.reserve_as<float>(static_cast<std::size_t>(rows * tower.hidden));
  MIEN_RETURN_IF_ERROR(hidden.run(seen, rows, inner, session.workspace));
  std::fill(out, out + clips * width, 0.0F);
  std::vector<float> weights(static_cast<std::size_t>(count));
  for (std::int64_t n = 0; n < clips; ++n) {
    for (std::int64_t t = 0; t < count; ++t) {
      const float* h = inner + (n * count + t) * tower.hidden;
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

Status TransformerTemporal::encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                                        float* out, Session::Impl& session) const {
  const std::int64_t width = tower.width;
  const std::int64_t tokens = count + 1;
  auto* x = session.stream.reserve_as<float>(static_cast<std::size_t>(clips * tokens * width));
  for (std::int64_t n = 0; n < clips; ++n) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const float* from = t == 0 ? class_token.data() : frames + (n * count + t - 1) * width;
      const float* position = positions.data() + t * width;
      float* to = x + (n * tokens + t) * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] + position[i];
    }
  }
  MIEN_RETURN_IF_ERROR(transformer.run(x, clips, tokens, true, session));
  std::memcpy(out, x, static_cast<std::size_t>(clips * width) * sizeof(float));
  return {};
}

Status TemporalEncoder::encode(const float* frames, std::int64_t clips, std::int64_t count,
                               float* out, Session& session) const {
  if (count < 1 || count > max_frames()) {
    return invalid_argument(
        fmt::format("temporal model: {} frames (expected 1..{})", count, max_frames()));
  }
  // Wide heads make the projections large: 3 * heads * head_width per row.
  const std::int64_t per_pass = std::max<std::int64_t>(1, kRowsPerPass / 4 / (count + 1));
  const std::int64_t width = impl_->tower.width;
  for (std::int64_t first = 0; first < clips; first += per_pass) {
    const std::int64_t now = std::min(per_pass, clips - first);
    MIEN_RETURN_IF_ERROR(impl_->encode_pass(frames + first * count * width, now, count,
                                            out + first * width, session.impl()));
  }
  return {};
}

}  // namespace mien::engine
