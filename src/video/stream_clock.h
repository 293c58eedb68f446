#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "video/ffmpeg.h"

namespace mien::video {

/// Times of one stream on the clock of a player: 0 is where the container starts, which may be
/// before the first picture. Threads: one at a time.
class StreamClock {
 public:
  /// Of `video` in `context`, whose headers were read. Keeps the origin when it is known already.
  void start(const AVFormatContext& context, const AVStream& video);
  /// Forgets the packets so far: reading starts anew somewhere.
  void rewind();

  /// Mends the times of a packet in place. Call it for each packet of the stream, in the order of
  /// the file: where clips were joined or a counter wrapped, time goes on from what came before.
  void mend(AVPacket& packet);
  /// True when the times of the packets are not those that the file seeks by: clips were joined, or
  /// packets tell only the order of decoding (AVI).
  bool mended() const { return mended_; }

  /// The time of a packet in presentation order, kNoTimestamp when it has none.
  std::int64_t told(const AVPacket& packet) const;
  /// In decoding order: a packet that the decoder took, and one whose frame will not come.
  void sent(const AVPacket& packet);
  void lost(const AVPacket& packet);
  /// The stream time of a decoded frame. `held_back`: frames the decoder reorders.
  std::int64_t shown(const AVFrame& frame, int held_back);

  /// Microseconds since the start of the clip; nullopt without a time.
  std::optional<std::int64_t> time_of(std::int64_t stream_time) const;
  /// The clip starts with the first time that is seen, unless the container told.
  void origin_at_least_here(std::int64_t stream_time);
  /// The container's own time at 0, seconds; 0 when it tells none.
  double offset_seconds() const;

  /// Length of a frame, for those without a time of their own.
  void set_step(std::int64_t step_us) { step_us_ = step_us; }

 private:
  std::int64_t step() const { return av_rescale_q(step_us_, kMicroseconds, base_); }

  AVRational base_ = kMicroseconds;
  bool decoding_order_ = false;
  bool may_jump_ = false;
  bool mended_ = false;
  std::int64_t step_us_ = 40'000;
  std::int64_t origin_ = kNoTimestamp;     ///< stream time; or, with another base,
  std::int64_t origin_us_ = kNoTimestamp;  ///< microseconds
  std::int64_t last_dts_ = kNoTimestamp;   ///< mended
  std::int64_t shift_ = 0;                 ///< what mending adds
  std::multiset<std::int64_t> slots_;      ///< of packets whose frames have not come yet
};

}  // namespace mien::video
