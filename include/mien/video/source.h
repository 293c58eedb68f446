#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/log.h"
#include "mien/core/status.h"
#include "mien/core/wall_time.h"
#include "mien/image/image.h"

namespace mien::video {

/// What is known of a clip before it is read. Zero means unknown (live streams, broken headers).
struct ClipInfo {
  int width = 0;  ///< upright, after rotation
  int height = 0;
  double fps = 0;           ///< average frames per second
  double seconds = 0;       ///< length of the picture stream, as the header tells
  double start = 0;         ///< time of the first picture: sound may come before it
  double offset = 0;        ///< what the file itself says at time 0, seconds
  std::int64_t frames = 0;  ///< as the header tells, or an estimate
  bool live = false;        ///< camera or pipe: cannot seek
  bool has_audio = false;
  bool part = false;                   ///< a stretch of the clip only, which begins at `start`
  std::optional<WallTime> clock = {};  ///< of time 0, as OpenOptions says
};

/// One decoded frame, upright RGB.
struct Frame {
  image::Image image;
  std::int64_t index = 0;  ///< 0, 1, ... in presentation order, counting every good frame
  /// Presentation time on a player's clock: 0 is the start of the file, with all its streams.
  std::int64_t timestamp_us = 0;
  std::int64_t duration_us = 0;  ///< how long it is shown; 0: not known
};

/// A clip that ends before its own header says.
struct CutShort {
  std::int64_t frames = 0;    ///< good frames until there
  std::int64_t expected = 0;  ///< about as many were promised; 0: not known
};

/// "cut short: 38 of about 72 frames".
std::string to_string(const CutShort& cut);

/// Frames of a clip in presentation order: upright (display matrix), with square pixels, in their
/// own size even when it changes within the clip. Threads: one thread at a time.
class VideoSource {
 public:
  virtual ~VideoSource() = default;
  virtual const ClipInfo& info() const = 0;
  /// The next good frame, or nullopt at the end. Broken frames are counted and skipped.
  /// Errors: kIo, kCancelled, kResourceLimit (frames, seconds, pixels), kCorrupt when not a single
  /// frame could be decoded.
  virtual Result<std::optional<Frame>> next() = 0;
  /// As next(), but the image of a frame that is not wanted (by its index and times) stays empty,
  /// which saves its conversion where the source can.
  using Wanted = std::function<bool(const Frame&)>;
  virtual Result<std::optional<Frame>> next_if(const Wanted& /*wanted*/) { return next(); }
  /// Moves so that the next frame is the last one at or before `timestamp_us` (the first frame when
  /// before all). Errors: kUnsupported for live input.
  /// The index of a frame after a seek is its place among `timestamps()`.
  virtual Status seek(std::int64_t timestamp_us) = 0;
  /// The presentation times of all frames, growing, without decoding them: what a sampling rule and
  /// `seek` need. Reads the file once and keeps eight bytes per frame; the position moves back to
  /// the start. Broken frames are in it too. Errors: kUnsupported for live input, kIo,
  /// kResourceLimit (frames).
  virtual Result<std::vector<std::int64_t>> timestamps() {
    return unsupported("video: the frame times of this source are not known");
  }
  /// Broken frames so far, each counted once; those passed over by a seek are not counted.
  virtual std::int64_t corrupt_frames() const = 0;
  /// After the last frame: set when the file ends early (a broken download, a full card).
  virtual std::optional<CutShort> cut_short() const { return std::nullopt; }
};

/// The stretch of time that frames cover.
class Covered {
 public:
  void add(const Frame& frame) {
    if (!any_) from_us_ = frame.timestamp_us;
    const std::int64_t step = any_ ? frame.timestamp_us - last_us_ : 0;
    any_ = true;
    last_us_ = frame.timestamp_us;
    to_us_ = last_us_ + (frame.duration_us > 0 ? frame.duration_us : step);
  }
  double start() const { return static_cast<double>(from_us_) / 1e6; }
  double seconds() const { return static_cast<double>(to_us_ - from_us_) / 1e6; }

 private:
  bool any_ = false;
  std::int64_t from_us_ = 0;
  std::int64_t last_us_ = 0;
  std::int64_t to_us_ = 0;
};

struct OpenOptions {
  Limits limits;
  LogSink log;
  double folder_fps = 25.0;                   ///< frame rate assumed for a folder of pictures
  int threads = 1;                            ///< decoder threads; 0: as many as the machine has
  const std::atomic<bool>* cancel = nullptr;  ///< checked while waiting for input
  std::optional<WallTime> clock = {};         ///< of time 0, where it is known: for ClipInfo
};

/// Opens a video file of any container FFmpeg knows that has its pictures inside: playlists,
/// manifests and whatever else names other files or hosts are refused.
/// Errors: kNotFound, kIo, kUnsupported (no video stream, unknown codec), kCorrupt, kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_file(const std::filesystem::path& path,
                                               const OpenOptions& options = {});
/// Pictures of a folder as frames, in the natural order of their names (9 before 10), without
/// hidden ones; a broken one is counted and leaves a gap in time. Errors: kNotFound,
/// kInvalidArgument (no picture inside, bad folder_fps), kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_folder(const std::filesystem::path& path,
                                                 const OpenOptions& options = {});
/// A live stream from a file descriptor (standard input), for example MPEG-TS. `prefix` are bytes
/// already read from it. Does not close `fd`. When `fd` is a regular file, the clip can seek.
Result<std::unique_ptr<VideoSource>> open_stream(int fd, std::vector<std::byte> prefix,
                                                 std::string name, const OpenOptions& options = {});
/// A V4L2 camera, for example "/dev/video0". Errors: kNotFound, kUnsupported.
Result<std::unique_ptr<VideoSource>> open_camera(const std::string& device,
                                                 const OpenOptions& options = {});
/// Encoded clip in memory (fuzzing, tests, servers). Borrows `bytes`.
Result<std::unique_ptr<VideoSource>> open_memory(std::span<const std::byte> bytes,
                                                 const OpenOptions& options = {});

/// A part of a clip: frames whose times are in [from, to).
struct Stretch {
  std::int64_t from_us = 0;
  std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
};

/// `source` with the frames of that part only; their numbers and times stay those in the whole
/// clip. `name` leads the messages. Errors of next(): also kInvalidArgument when no frame lies
/// inside.
std::unique_ptr<VideoSource> limit_to(std::unique_ptr<VideoSource> source, std::string name,
                                      const Stretch& stretch);

/// True when the extension is a usual one of video files (case is ignored); used to list folders.
bool has_video_extension(const std::filesystem::path& path);

}  // namespace mien::video
