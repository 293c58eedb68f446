#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "video/ffmpeg.h"

namespace mien::video {

/// Times of one stream on the clock of a player: 0 is the start of the container, which may be
/// before the first picture. Threads: one at a time.
class StreamClock {
 public:
  /// For stream `video` of `context`, whose headers were read. Keeps a known origin.
  void start(const AVFormatContext& context, const AVStream& video);
  /// Forgets the packets so far, because reading continues elsewhere.
  void rewind();

  /// Corrects the times of a packet in place. Call it for every packet of the stream, in file
  /// order: where clips were joined or a counter wrapped around, time continues from the packet
  /// before.
  void mend(AVPacket& packet);
  /// True when the corrected times are not those by which the file seeks: clips were joined, or
  /// packets give only the decoding order (AVI).
  bool mended() const { return mended_; }

  /// The time of a packet in presentation order; kNoTimestamp when it has none.
  std::int64_t told(const AVPacket& packet) const;
  /// In decoding order: a packet that the decoder accepted, and one whose frame will not come.
  void sent(const AVPacket& packet);
  void lost(const AVPacket& packet);
  /// The stream time of a decoded frame. `held_back`: frames that the decoder reorders.
  std::int64_t shown(const AVFrame& frame, int held_back);

  /// Microseconds since the start of the clip; nullopt without a time.
  std::optional<std::int64_t> time_of(std::int64_t stream_time) const;
  /// The clip starts at the first time seen, unless the container states a start.
  void origin_at_least_here(std::int64_t stream_time);
  /// The container's own time at 0, in seconds; 0 when not stated.
  double offset_seconds() const;

  /// Length of a frame, for those without their own time.
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
  std::int64_t last_dts_ = kNoTimestamp;   ///< corrected
  std::int64_t shift_ = 0;                 ///< offset of the correction
  std::multiset<std::int64_t> slots_;      ///< of packets whose frames have not come yet
};

}  // namespace mien::video
