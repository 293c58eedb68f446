#pragma once

#include <filesystem>
#include <memory>

#include "mien/core/status.h"
#include "video/container.h"
#include "video/ffmpeg.h"
#include "video/stream_clock.h"

namespace mien::video {

/// Copies the first audio stream of one clip, packet by packet, into another.
/// Threads: one at a time. Borrows the output, which must outlive it.
class AudioCopy {
 public:
  /// nullptr when the clip has no audio or the format of `output` cannot hold its codec. Otherwise
  /// a stream has been added to `output`, whose header must not have been written yet. `start_us`:
  /// time on the clock of the source that becomes 0. Errors: those of opening `from`.
  static Result<std::unique_ptr<AudioCopy>> open(const std::filesystem::path& from,
                                                 std::int64_t start_us, AVFormatContext& output);
  /// Writes the audio before `until_us` (counted from `start_us`) that is not written yet. Errors:
  /// kIo. Damage in the source ends the audio.
  Status copy_until(std::int64_t until_us);

 private:
  AudioCopy(Container container, AVFormatContext& output)
      : container_(std::move(container)), output_(output) {}
  bool fetch();

  Container container_;
  AVFormatContext& output_;
  PacketPtr packet_ = make_packet();
  int input_stream_ = -1;
  int output_stream_ = -1;
  StreamClock clock_;
  std::int64_t start_us_ = 0;
  std::int64_t time_us_ = 0;  ///< of `packet_`
  std::int64_t last_dts_ = kNoTimestamp;
  bool waiting_ = false;  ///< `packet_` is read but not written yet
  bool ended_ = false;
};

}  // namespace mien::video
