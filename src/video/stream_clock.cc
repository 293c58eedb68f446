#include "video/stream_clock.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace mien::video {
namespace {

// The ffmpeg program uses the same threshold for jumps in formats whose times may jump.
constexpr std::int64_t kForwardJumpUs = 10'000'000;
constexpr std::int64_t kBackwardJumpUs = 100'000;
// Larger differences between the starts of the streams of a clip mean a broken header.
constexpr std::int64_t kMostApartUs = 3'600'000'000;

}  // namespace

void StreamClock::start(const AVFormatContext& context, const AVStream& video) {
  base_ = video.time_base;
  decoding_order_ = std::string_view(context.iformat->name) == "avi";
  may_jump_ = (context.iformat->flags & AVFMT_TS_DISCONT) != 0;
  rewind();
  if (origin_ != kNoTimestamp || origin_us_ != kNoTimestamp) return;
  origin_ = video.start_time;
  if (context.start_time == kNoTimestamp || origin_ == kNoTimestamp) return;
  const std::int64_t own_us = av_rescale_q(origin_, base_, kMicroseconds);
  // Sound that the decoder drops lies before 0; players start at 0 in that case.
  const std::int64_t file_us = std::max(context.start_time, std::min<std::int64_t>(0, own_us));
  std::int64_t apart = 0;
  if (__builtin_sub_overflow(own_us, file_us, &apart)) return;
  // The same start in the stream's own units, which are exact.
  if (apart <= 1 || apart > kMostApartUs) return;
  origin_ = kNoTimestamp;
  origin_us_ = file_us;
}

void StreamClock::rewind() {
  mended_ = false;
  last_dts_ = kNoTimestamp;
  shift_ = 0;
  slots_.clear();
}

void StreamClock::mend(AVPacket& packet) {
  if (decoding_order_ && packet.dts != kNoTimestamp) {
    // For some formats FFmpeg guesses presentation times one frame too late.
    mended_ = mended_ || packet.pts == kNoTimestamp;
    packet.pts = packet.dts;
  }
  if (!may_jump_ || packet.dts == kNoTimestamp) return;
  std::int64_t dts = 0;
  if (__builtin_add_overflow(packet.dts, shift_, &dts)) return;
  std::int64_t gap = 0;
  if (last_dts_ != kNoTimestamp && !__builtin_sub_overflow(dts, last_dts_, &gap)) {
    const std::int64_t gap_us = av_rescale_q(gap, base_, kMicroseconds);
    if (gap_us > kForwardJumpUs || gap_us < -kBackwardJumpUs) {
      const std::int64_t length =
          packet.duration > 0 ? std::min(packet.duration, 10 * step()) : step();
      std::int64_t correction = 0;
      if (__builtin_sub_overflow(length, gap, &correction) ||
          __builtin_add_overflow(shift_, correction, &shift_) ||
          __builtin_add_overflow(last_dts_, length, &dts)) {
        return rewind();  // hostile numbers
      }
      mended_ = true;
    }
  }
  last_dts_ = last_dts_ == kNoTimestamp ? dts : std::max(last_dts_, dts);
  packet.dts = dts;
  if (packet.pts != kNoTimestamp && __builtin_add_overflow(packet.pts, shift_, &packet.pts)) {
    packet.pts = kNoTimestamp;
  }
}

std::int64_t StreamClock::told(const AVPacket& packet) const {
  return packet.pts != kNoTimestamp ? packet.pts : packet.dts;
}

void StreamClock::sent(const AVPacket& packet) {
  if (!decoding_order_ || packet.dts == kNoTimestamp) return;
  constexpr std::size_t kMost = 256;
  if (slots_.size() >= kMost) slots_.erase(slots_.begin());
  slots_.insert(packet.dts);
}

void StreamClock::lost(const AVPacket& packet) {
  const auto at = slots_.find(packet.dts);
  if (at != slots_.end()) slots_.erase(at);
}

// AVI gives every picture one time slot, in decoding order. Pictures are shown in the order in
// which they leave the decoder, so each takes the first free slot.
std::int64_t StreamClock::shown(const AVFrame& frame, int held_back) {
  const std::int64_t told = frame.best_effort_timestamp;
  if (!decoding_order_ || slots_.empty()) {
    // Only decoding times are known; they are ahead by the frames that the decoder holds back.
    if (told == kNoTimestamp || frame.pts != kNoTimestamp) return told;
    std::int64_t shown = 0;
    const bool overflow = __builtin_sub_overflow(told, std::int64_t{held_back} * step(), &shown);
    return overflow ? told : shown;
  }
  // No picture is shown earlier than that; slots left from before belong to lost pictures.
  if (frame.pts != kNoTimestamp) {
    std::int64_t earliest = 0;
    if (__builtin_sub_overflow(frame.pts, std::int64_t{held_back} * step(), &earliest)) {
      earliest = kNoTimestamp;
    }
    while (slots_.size() > 1 && *slots_.begin() < earliest) slots_.erase(slots_.begin());
  }
  const std::int64_t slot = *slots_.begin();
  slots_.erase(slots_.begin());
  return slot;
}

std::optional<std::int64_t> StreamClock::time_of(std::int64_t stream_time) const {
  if (stream_time == kNoTimestamp) return std::nullopt;
  std::int64_t since = 0;
  if (origin_us_ != kNoTimestamp) {
    const std::int64_t us = av_rescale_q(stream_time, base_, kMicroseconds);
    if (us == kNoTimestamp || __builtin_sub_overflow(us, origin_us_, &since)) return std::nullopt;
    return since;
  }
  if (origin_ == kNoTimestamp || __builtin_sub_overflow(stream_time, origin_, &since)) {
    return std::nullopt;
  }
  const std::int64_t time = av_rescale_q(since, base_, kMicroseconds);
  if (time == kNoTimestamp) return std::nullopt;
  return time;
}

void StreamClock::origin_at_least_here(std::int64_t stream_time) {
  if (origin_us_ == kNoTimestamp && origin_ == kNoTimestamp) origin_ = stream_time;
}

double StreamClock::offset_seconds() const {
  if (origin_us_ != kNoTimestamp) return static_cast<double>(origin_us_) / AV_TIME_BASE;
  return origin_ != kNoTimestamp ? static_cast<double>(origin_) * av_q2d(base_) : 0;
}

}  // namespace mien::video
