#include "mien/engine/temporal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "engine/transformer.h"

namespace mien::engine {
namespace {

constexpr BlockNames kTemporalBlock = {
    "0.fn.norm", "0.fn.fn.to_qkv.weight", nullptr,        "0.fn.fn.to_out.0",
    "1.fn.norm", "1.fn.fn.net.0",         "1.fn.fn.net.3"};

}  // namespace

struct TemporalEncoder::Impl {
  TemporalTower tower;
  std::vector<float> class_token;
  std::vector<float> positions;
  Transformer transformer;

  Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                     Session::Impl& session) const;
};

TemporalEncoder::TemporalEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TemporalEncoder::~TemporalEncoder() = default;

Result<std::shared_ptr<const TemporalEncoder>> TemporalEncoder::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture,
    kernels::Precision precision) {
  MIEN_CHECK(architecture.temporal.has_value());
  auto impl = std::make_unique<Impl>();
  impl->tower = *architecture.temporal;
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "temporal.cls_token"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "temporal.pos_embedding"));
  MIEN_ASSIGN_OR_RETURN(
      impl->transformer,
      Transformer::load(weights, "temporal.temporal_transformer.layers.", kTemporalBlock,
                        {.width = impl->tower.width,
                         .heads = impl->tower.heads,
                         .head_width = impl->tower.head_width,
                         .layers = impl->tower.layers,
                         .activation = impl->tower.activation},
                        precision));
  return std::shared_ptr<const TemporalEncoder>(new TemporalEncoder(std::move(impl)));
}

int TemporalEncoder::max_frames() const { return impl_->tower.positions - 1; }

Status TemporalEncoder::Impl::encode_pass(const float* frames, std::int64_t clips,
                                          std::int64_t count, float* out,
                                          Session::Impl& session) const {
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
