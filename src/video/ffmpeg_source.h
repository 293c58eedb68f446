#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mien/video/source.h"
#include "video/container.h"
#include "video/convert.h"
#include "video/stream_clock.h"

namespace mien::video {

/// A clip, stream or camera read through FFmpeg. Threads: one at a time.
class FfmpegSource : public VideoSource {
 public:
  /// Errors: kUnsupported (no video stream, no decoder), kResourceLimit (size in the header).
  static Result<std::unique_ptr<VideoSource>> make(Container container, const OpenOptions& options);

  const ClipInfo& info() const override { return info_; }
  Result<std::optional<Frame>> next() override { return next_if(nullptr); }
  Result<std::optional<Frame>> next_if(const Wanted& wanted) override;
  Status seek(std::int64_t timestamp_us) override;
  Result<std::vector<std::int64_t>> timestamps() override;
  std::int64_t corrupt_frames() const override { return corrupt_; }
  std::optional<CutShort> cut_short() const override { return cut_short_; }

 private:
  struct Decoded {
    FramePtr frame;
    std::int64_t timestamp_us = 0;
    std::int64_t duration_us = 0;
  };
  /// A picture at which decoding can start.
  struct Key {
    std::int64_t time_us = 0;
    std::int64_t stream_time = 0;
  };
  /// Presentation times from the packets alone, sorted. Not `reliable`: a packet has no time.
  struct Table {
    std::vector<std::int64_t> times;
    std::vector<Key> keys;
    bool reliable = true;
  };
  enum class Preroll { kFound, kTooLate };

  FfmpegSource(Container container, const OpenOptions& options)
      : options_(options), container_(std::move(container)) {}
  Status open_decoder();
  void fill_info();
  AVStream& stream() { return *container_.context().streams[stream_]; }
  AVRational pixel_aspect(const AVFrame& frame);

  /// The next good frame in presentation order, not yet converted.
  Result<std::optional<Decoded>> decode();
  Status feed();
  std::optional<Decoded> accept();
  std::int64_t frame_duration(const AVFrame& frame);
  Status check_limits(const Decoded& decoded);
  void count_corrupt();
  void reset_position();
  Result<Frame> deliver(const Decoded& decoded, const Wanted& wanted);
  void judge_end();

  Status scan();
  Status reopen();
  Status fill_table();
  bool jump(const Key& key);
  std::size_t keys_until(std::int64_t timestamp_us) const;
  Result<Preroll> preroll(std::int64_t timestamp_us, bool from_start);
  Result<bool> go_forward(std::int64_t timestamp_us);
  Status seek_with_decoder(std::int64_t timestamp_us);

  OpenOptions options_;
  Container container_;
  CodecPtr decoder_;
  FrameConverter converter_;
  PacketPtr packet_ = make_packet();
  FramePtr frame_ = make_frame();
  ClipInfo info_;
  int stream_ = -1;

  StreamClock clock_;
  std::int64_t step_us_ = 40'000;  ///< for frames without their own time
  std::optional<std::int64_t> first_time_us_;
  std::optional<std::int64_t> last_time_us_;
  std::deque<Decoded> pending_;  ///< decoded while seeking, not delivered yet
  std::int64_t index_ = 0;       ///< of the next delivered frame
  std::int64_t good_ = 0;
  std::int64_t corrupt_ = 0;
  std::int64_t furthest_ = kNoTimestamp;  ///< stream time up to which broken frames are counted
  bool fresh_ = true;                     ///< the last packet is after `furthest_`
  std::deque<std::int64_t> damaged_;      ///< times of incomplete packets
  bool draining_ = false;
  bool ended_ = false;
  int drain_errors_ = 0;
  Status failure_;  ///< permanent result of `next`
  std::optional<CutShort> cut_short_;

  bool touched_ = false;  ///< packets have been read since the container was opened
  bool sought_ = false;
  bool quiet_ = false;                          ///< seeking: broken frames are not counted
  std::int64_t skip_before_us_ = kNoTimestamp;  ///< seeking: decode only what is needed
  bool await_key_ = false;   ///< after a jump: packets before a key picture are skipped
  bool after_jump_ = false;  ///< no frame decoded since the jump
  std::int64_t key_time_us_ = kNoTimestamp;  ///< after a jump, pictures before this time are broken
  std::optional<Table> table_;
};

}  // namespace mien::video
