#include "mien/engine/temporal.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/towers/table.h"

namespace mien::engine {

TemporalEncoder::TemporalEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TemporalEncoder::~TemporalEncoder() = default;

Result<std::shared_ptr<const TemporalEncoder>> TemporalEncoder::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture,
    kernels::Precision precision) {
  MIEN_CHECK(architecture.temporal.has_value());
  const TemporalTower& tower = *architecture.temporal;
  MIEN_ASSIGN_OR_RETURN(auto impl, with_kind(tower, [&](const auto& kind, const auto& sizes) {
                          return kind.load(weights, sizes, without_int8(precision));
                        }));
  impl->width = std::visit([](const auto& sizes) { return sizes.width; }, tower);
  impl->max_frames = max_frames_of(tower);
  return std::shared_ptr<const TemporalEncoder>(new TemporalEncoder(std::move(impl)));
}

int TemporalEncoder::max_frames() const { return impl_->max_frames; }

Status TemporalEncoder::encode(const float* frames, std::int64_t clips, std::int64_t count,
                               float* out, Session& session) const {
  if (count < 1 || count > max_frames()) {
    return invalid_argument(
        fmt::format("temporal model: {} frames (expected 1..{})", count, max_frames()));
  }
  // Wide heads make the projections large: 3 * heads * head_width per row.
  const std::int64_t per_pass = std::max<std::int64_t>(1, kRowsPerPass / 4 / (count + 1));
  const std::int64_t width = impl_->width;
  for (std::int64_t first = 0; first < clips; first += per_pass) {
    const std::int64_t now = std::min(per_pass, clips - first);
    MIEN_RETURN_IF_ERROR(impl_->encode_pass(frames + first * count * width, now, count,
                                            out + first * width, session.impl()));
  }
  return {};
}

}  // namespace mien::engine
