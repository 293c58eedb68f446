#include "mien/engine/clip_reader.h"

#include <algorithm>

#include "mien/kernels/ops.h"

namespace mien::engine {

std::string_view to_string(Aggregate aggregate) {
  return aggregate == Aggregate::kTemporal ? "temporal" : "mean";
}

Result<ClipReader> ClipReader::make(const Bundle& bundle) {
  ClipReader out;
  out.sampling_ = bundle.info().sampling;
  out.embed_ = static_cast<std::size_t>(bundle.info().architecture.embed);
  MIEN_ASSIGN_OR_RETURN(out.temporal_, bundle.temporal_encoder());
  const auto& tower = bundle.info().architecture.temporal;
  out.changes_pictures_ = tower && tower->hidden == 0;
  return out;
}

Result<ClipPlan> ClipReader::plan(std::int64_t total, std::int64_t thinning) const {
  video::SamplingSpec spec = sampling_;
  spec.stride = static_cast<int>(std::max<std::int64_t>(1, spec.stride / thinning));
  ClipPlan out;
  MIEN_ASSIGN_OR_RETURN(out.windows, video::sample_covering(spec, total));
  for (const auto& window : out.windows) {
    out.frames.insert(out.frames.end(), window.begin(), window.end());
  }
  std::sort(out.frames.begin(), out.frames.end());
  out.frames.erase(std::unique(out.frames.begin(), out.frames.end()), out.frames.end());
  for (auto& window : out.windows) {
    for (std::int64_t& frame : window) {
      frame = std::lower_bound(out.frames.begin(), out.frames.end(), frame) - out.frames.begin();
    }
  }
  return out;
}

Status ClipReader::read(const ClipPlan& plan, const float* rows, float* out,
                        Session& session) const {
  const auto width = static_cast<std::int64_t>(embed_);
  std::fill_n(out, embed_, 0.0F);
  std::vector<float> window;
  std::vector<float> one(embed_);
  for (const auto& places : plan.windows) {
    window.clear();
    for (const std::int64_t place : places) {
      const float* row = rows + place * width;
      window.insert(window.end(), row, row + width);
    }
    if (temporal_) {
      MIEN_RETURN_IF_ERROR(temporal_->encode(
          window.data(), 1, static_cast<std::int64_t>(places.size()), one.data(), session));
      kernels::l2_normalize_rows(one.data(), 1, width);
      window = one;
    }
    for (std::size_t i = 0; i < window.size(); ++i) out[i % embed_] += window[i];
  }
  kernels::l2_normalize_rows(out, 1, width);
  return {};
}

}  // namespace mien::engine
