#include "mien/video/sampling.h"

#include <algorithm>
#include <string>

#include "mien/core/check.h"

namespace mien::video {
namespace {

constexpr int kMaxFrames = 4096;
constexpr int kMaxStride = 1000;

Status check_counts(std::int64_t total, int frames) {
  if (total < 1) {
    return invalid_argument("frame sampling: clip has no frames (expected at least 1, got " +
                            std::to_string(total) + ")");
  }
  if (frames < 1 || frames > kMaxFrames) {
    return invalid_argument("frame sampling: bad number of frames (expected 1.." +
                            std::to_string(kMaxFrames) + ", got " + std::to_string(frames) + ")");
  }
  return {};
}

// floor((2 i + 1) * total / (2 frames)), split so that no product overflows for any total.
FrameIndices centres(std::int64_t total, int frames) {
  const std::int64_t parts = 2 * std::int64_t{frames};
  FrameIndices out(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    const std::int64_t odd = 2 * std::int64_t{i} + 1;
    out[static_cast<std::size_t>(i)] = odd * (total / parts) + odd * (total % parts) / parts;
  }
  return out;
}

FrameIndices one_of_each_segment(std::int64_t total, int frames, Rng& rng) {
  const std::int64_t length = total / frames;
  FrameIndices out(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    out[static_cast<std::size_t>(i)] =
        i * length + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(length)));
  }
  return out;
}

FrameIndices all_first(int frames) { return FrameIndices(static_cast<std::size_t>(frames), 0); }

FrameIndices hold_last(std::int64_t total, int frames) {
  FrameIndices out(static_cast<std::size_t>(frames));
  for (int i = 0; i < frames; ++i) {
    out[static_cast<std::size_t>(i)] = std::min<std::int64_t>(i, total - 1);
  }
  return out;
}

// Extends on the right, bouncing between the ends without repeating them.
void extend_by_reflection(FrameIndices& items, std::size_t count) {
  const std::size_t m = items.size();
  MIEN_CHECK(m >= 2);
  const std::size_t period = 2 * (m - 1);
  for (std::size_t i = m; i < count; ++i) {
    const std::size_t phase = i % period;
    items.push_back(items[phase < m ? phase : period - phase]);
  }
}

}  // namespace

Result<FrameIndices> sample_uniform(std::int64_t total, int frames) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  return centres(total, frames);
}

Result<FrameIndices> sample_strided_window(std::int64_t total, int frames, int stride, Rng* rng) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  if (stride < 1) {
    return invalid_argument("frame sampling: bad stride (expected at least 1, got " +
                            std::to_string(stride) + ")");
  }
  const std::int64_t kept = (total - 1) / stride + 1;
  const std::int64_t start =
      rng == nullptr ? 0 : static_cast<std::int64_t>(rng->below(static_cast<std::uint64_t>(kept)));
  FrameIndices out;
  out.reserve(static_cast<std::size_t>(frames));
  const std::int64_t before_seam = std::min<std::int64_t>(frames, kept - start);
  const std::int64_t after_seam = std::min<std::int64_t>(frames - before_seam, kept);
  for (std::int64_t i = 0; i < before_seam; ++i) out.push_back((start + i) * stride);
  for (std::int64_t i = 0; i < after_seam; ++i) out.push_back(i * stride);
  if (out.size() < static_cast<std::size_t>(frames)) {
    extend_by_reflection(out, static_cast<std::size_t>(frames));
  }
  return out;
}

Result<FrameIndices> sample_segments_or_hold(std::int64_t total, int frames, Rng& rng) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  return total >= frames ? one_of_each_segment(total, frames, rng) : hold_last(total, frames);
}

Result<FrameIndices> sample_centres_or_hold(std::int64_t total, int frames) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  return total > frames ? centres(total, frames) : hold_last(total, frames);
}

Result<FrameIndices> sample_centres_or_first(std::int64_t total, int frames) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  return total > frames ? centres(total, frames) : all_first(frames);
}

Result<FrameIndices> sample_segments_or_first(std::int64_t total, int frames, Rng& rng) {
  MIEN_RETURN_IF_ERROR(check_counts(total, frames));
  return total >= frames ? one_of_each_segment(total, frames, rng) : all_first(frames);
}

Status SamplingSpec::validate() const {
  MIEN_RETURN_IF_ERROR(check_counts(1, frames));
  const int most = rule == SamplingRule::kStridedWindow ? kMaxStride : 1;
  if (stride < 1 || stride > most) {
    return invalid_argument("frame sampling: bad stride (expected 1.." + std::to_string(most) +
                            " for " + std::string(to_string(rule)) + ", got " +
                            std::to_string(stride) + ")");
  }
  return {};
}

Result<FrameIndices> sample(const SamplingSpec& spec, std::int64_t total, SamplingPhase phase,
                            Rng* rng) {
  MIEN_RETURN_IF_ERROR(spec.validate());
  if (spec.rule == SamplingRule::kUniform) return sample_uniform(total, spec.frames);
  if (spec.rule == SamplingRule::kStridedWindow) {
    return sample_strided_window(total, spec.frames, spec.stride, rng);
  }
  if (phase == SamplingPhase::kTest) {
    return spec.rule == SamplingRule::kSegmentsOrHold ? sample_centres_or_hold(total, spec.frames)
                                                      : sample_centres_or_first(total, spec.frames);
  }
  if (spec.rule == SamplingRule::kCentresOrFirst) {
    return invalid_argument("frame sampling: exp_clip has no training rule for clips");
  }
  MIEN_CHECK(rng != nullptr);
  return spec.rule == SamplingRule::kSegmentsOrHold
             ? sample_segments_or_hold(total, spec.frames, *rng)
             : sample_segments_or_first(total, spec.frames, *rng);
}

Result<std::vector<FrameIndices>> sample_covering(const SamplingSpec& spec, std::int64_t total) {
  MIEN_RETURN_IF_ERROR(spec.validate());
  MIEN_RETURN_IF_ERROR(check_counts(total, spec.frames));
  const std::int64_t kept = (total - 1) / spec.stride + 1;
  if (spec.rule != SamplingRule::kStridedWindow || kept <= spec.frames) {
    MIEN_ASSIGN_OR_RETURN(FrameIndices one, sample(spec, total, SamplingPhase::kTest, nullptr));
    return std::vector<FrameIndices>{std::move(one)};
  }
  const std::int64_t needed = (kept - 1) / spec.frames + 1;
  const std::int64_t windows = std::min<std::int64_t>(needed, kMaxWindows);
  const std::int64_t room = kept - spec.frames;  // starts are in 0..room
  const std::int64_t gaps = windows - 1;         // at least 1
  std::vector<FrameIndices> out;
  for (std::int64_t w = 0; w < windows; ++w) {
    const std::int64_t start = w * (room / gaps) + w * (room % gaps) / gaps;
    FrameIndices& window = out.emplace_back();
    for (std::int64_t i = 0; i < spec.frames; ++i) window.push_back((start + i) * spec.stride);
  }
  return out;
}

}  // namespace mien::video
