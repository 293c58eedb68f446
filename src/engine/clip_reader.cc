#include "mien/engine/clip_reader.h"

#include <algorithm>
#include <cmath>

#include "engine/towers/table.h"
#include "kernels/ops.h"

namespace mien::engine {

double length_of(std::span<const float> row) {
  double sum = 0;
  for (const float value : row) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

std::string_view to_string(Aggregate aggregate) {
  return aggregate == Aggregate::kTemporal ? "temporal" : "mean";
}

Result<ClipReader> ClipReader::make(const Bundle& bundle) {
  ClipReader out;
  out.sampling_ = bundle.info().sampling;
  out.embed_ = static_cast<std::size_t>(bundle.info().architecture.embed);
  MIEN_ASSIGN_OR_RETURN(out.temporal_, bundle.temporal_encoder());
  const auto& tower = bundle.info().architecture.temporal;
  out.changes_pictures_ = tower && with_kind(*tower, [](const auto& kind, const auto& /*sizes*/) {
                            return kind.changes_pictures;
                          });
  MIEN_ASSIGN_OR_RETURN(out.regressor_, bundle.regressor());
  for (const RegressionTarget& target : bundle.info().targets) out.targets_.push_back(target.name);
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

std::vector<TargetValue> ClipReader::named(const std::vector<float>& values) const {
  MIEN_CHECK(values.empty() || values.size() == targets_.size());
  std::vector<TargetValue> out;
  for (std::size_t t = 0; t < values.size(); ++t) out.push_back({targets_[t], values[t]});
  return out;
}

Result<std::vector<float>> ClipReader::values(const float* clip, Session& session) const {
  std::vector<float> out(targets_.size());
  if (regressor_) MIEN_RETURN_IF_ERROR(regressor_->predict(clip, 1, out.data(), session));
  return out;
}

Result<ClipReading> ClipReader::read(const ClipPlan& plan, const float* rows,
                                     Session& session) const {
  const auto width = static_cast<std::int64_t>(embed_);
  ClipReading out{.embedding = std::vector<float>(embed_),
                  .values = std::vector<float>(targets_.size())};
  std::vector<float> window;
  std::vector<float> one(embed_);
  std::size_t count = 0;
  for (const auto& places : plan.windows) {
    window.clear();
    for (const std::int64_t place : places) {
      const float* row = rows + place * width;
      window.insert(window.end(), row, row + width);
    }
    count += places.size();
    if (temporal_) {
      MIEN_RETURN_IF_ERROR(temporal_->encode(
          window.data(), 1, static_cast<std::int64_t>(places.size()), one.data(), session));
      MIEN_ASSIGN_OR_RETURN(const std::vector<float> said, values(one.data(), session));
      for (std::size_t t = 0; t < said.size(); ++t) {
        out.values[t] += said[t] / static_cast<float>(plan.windows.size());
      }
      kernels::l2_normalize_rows(one.data(), 1, width);
      window = one;
    }
    for (std::size_t i = 0; i < window.size(); ++i) out.embedding[i % embed_] += window[i];
  }
  if (!temporal_ && regressor_) {
    for (std::size_t i = 0; i < embed_; ++i) {
      one[i] = out.embedding[i] / static_cast<float>(std::max<std::size_t>(count, 1));
    }
    MIEN_ASSIGN_OR_RETURN(out.values, values(one.data(), session));
  }
  if (!temporal_) {
    out.length = length_of(out.embedding) / static_cast<double>(std::max<std::size_t>(count, 1));
  }
  kernels::l2_normalize_rows(out.embedding.data(), 1, width);
  return out;
}

}  // namespace mien::engine
