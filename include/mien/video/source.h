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

/// What is known about a clip before it is read. Zero means unknown (live streams, broken headers).
struct ClipInfo {
  int width = 0;  ///< upright, after rotation
  int height = 0;
  double fps = 0;           ///< average frames per second
  double seconds = 0;       ///< length of the picture stream, as the header states
  double start = 0;         ///< time of the first picture: sound may come before it
  double offset = 0;        ///< the file's own timestamp at time 0, seconds
  std::int64_t frames = 0;  ///< as the header states, or an estimate
  bool live = false;        ///< camera or pipe: cannot seek
  bool has_audio = false;
  bool part = false;                   ///< only a part of the clip, which begins at `start`
  std::optional<WallTime> clock = {};  ///< wall time of time 0, from OpenOptions
};

/// One decoded frame, upright RGB.
struct Frame {
  image::Image image;
  std::int64_t index = 0;  ///< 0, 1, ... in presentation order, counting every good frame
  /// Presentation time as a player shows it: 0 is the start of the file, over all its streams.
  std::int64_t timestamp_us = 0;
  std::int64_t duration_us = 0;  ///< how long it is shown; 0: unknown
};

/// How a clip ends before its header says it does.
struct CutShort {
  std::int64_t frames = 0;    ///< good frames up to the end
  std::int64_t expected = 0;  ///< about as many as the header states; 0: unknown
};

/// "cut short: 38 of about 72 frames".
std::string to_string(const CutShort& cut);

/// Frames of a clip in presentation order: upright (display matrix), with square pixels, in their
/// own size even when it changes within the clip. Threads: one thread at a time.
class VideoSource {
 public:
  virtual ~VideoSource() = default;
  /// Does not change while the clip is read. Owned by the source.
  virtual const ClipInfo& info() const = 0;
  /// The next good frame, or nullopt at the end. Broken frames are counted and skipped.
  /// Errors: kIo, kCancelled, kResourceLimit (frames, seconds, pixels), kCorrupt when no frame
  /// at all could be decoded.
  virtual Result<std::optional<Frame>> next() = 0;
  /// Decides by index and times of a frame whether its pixels are needed.
  using Wanted = std::function<bool(const Frame&)>;
  /// As next(), but leaves the image of an unwanted frame empty where that saves a conversion.
  /// Errors: as next().
  virtual Result<std::optional<Frame>> next_if(const Wanted& /*wanted*/) { return next(); }
  /// Moves so that the next frame is the last one at or before `timestamp_us`, or the first frame
  /// of the clip. After a seek the index of a frame is its index in `timestamps()`. Errors:
  /// kUnsupported for live input.
  virtual Status seek(std::int64_t timestamp_us) = 0;
  /// The presentation times of all frames in ascending order, without decoding: what a sampling
  /// rule and `seek` need. Reads the file once, keeps eight bytes per frame and moves back to the
  /// start. Broken frames are included. Errors: kUnsupported for live input, kIo, kResourceLimit
  /// (frames).
  virtual Result<std::vector<std::int64_t>> timestamps() {
    return unsupported("video: the frame times of this source are not known");
  }
  /// Broken frames so far, each counted once; those that a seek skipped are not counted.
  virtual std::int64_t corrupt_frames() const = 0;
  /// Set after the last frame when the file ends early (an interrupted download, a full card).
  virtual std::optional<CutShort> cut_short() const { return std::nullopt; }
};

/// The time that the frames added so far cover.
class Covered {
 public:
  /// Frames in presentation order. A frame of unknown duration lasts as long as the one before.
  void add(const Frame& frame) {
    if (!any_) from_us_ = frame.timestamp_us;
    const std::int64_t step = any_ ? frame.timestamp_us - last_us_ : 0;
    any_ = true;
    last_us_ = frame.timestamp_us;
    to_us_ = last_us_ + (frame.duration_us > 0 ? frame.duration_us : step);
  }
  /// Units: seconds; both 0 before the first frame.
  double start() const { return static_cast<double>(from_us_) / 1e6; }
  double seconds() const { return static_cast<double>(to_us_ - from_us_) / 1e6; }

 private:
  bool any_ = false;
  std::int64_t from_us_ = 0;
  std::int64_t last_us_ = 0;
  std::int64_t to_us_ = 0;
};

/// How a clip is opened.
struct OpenOptions {
  Limits limits;
  LogSink log;
  double folder_fps = 25.0;                   ///< frame rate assumed for a folder of pictures
  int threads = 1;                            ///< decoder threads; 0: as many as the machine has
  const std::atomic<bool>* cancel = nullptr;  ///< checked while waiting for input
  std::optional<WallTime> clock = {};         ///< wall time of time 0 if known, for ClipInfo
};

/// Opens a video file in any container FFmpeg reads, as long as the container holds the pictures
/// itself: playlists, manifests and anything else that refers to other files or hosts is refused.
/// Errors: kNotFound, kIo, kUnsupported (no video stream, unknown codec), kCorrupt, kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_file(const std::filesystem::path& path,
                                               const OpenOptions& options = {});
/// The pictures of a folder as frames, in the natural order of their names (9 before 10), without
/// hidden files; a broken picture is counted and leaves a gap in time. Errors: kNotFound,
/// kInvalidArgument (no picture inside, bad folder_fps), kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_folder(const std::filesystem::path& path,
                                                 const OpenOptions& options = {});
/// A live stream from a file descriptor (standard input), for example MPEG-TS. `prefix`: bytes
/// already read from it; `name` starts the messages. When `fd` is a regular file, the clip can
/// seek. Owns: borrows `fd`, does not close it. Errors: as open_file, except kNotFound.
Result<std::unique_ptr<VideoSource>> open_stream(int fd, std::vector<std::byte> prefix,
                                                 std::string name, const OpenOptions& options = {});
/// A V4L2 camera, for example "/dev/video0". Errors: kNotFound, kUnsupported.
Result<std::unique_ptr<VideoSource>> open_camera(const std::string& device,
                                                 const OpenOptions& options = {});
/// An encoded clip in memory (fuzzing, tests, servers).
/// Owns: borrows `bytes`, which must outlive the source. Errors: as open_file, except kNotFound.
Result<std::unique_ptr<VideoSource>> open_memory(std::span<const std::byte> bytes,
                                                 const OpenOptions& options = {});

/// A part of a clip: frames whose times are in [from, to).
struct Stretch {
  std::int64_t from_us = 0;
  std::int64_t to_us = std::numeric_limits<std::int64_t>::max();
};

/// Only the frames of that part of `source`; their indices and times stay those in the whole clip.
/// `name` starts the messages. Errors of next(): also kInvalidArgument when the part has no frame.
std::unique_ptr<VideoSource> limit_to(std::unique_ptr<VideoSource> source, std::string name,
                                      const Stretch& stretch);

/// True for a common video file extension (case is ignored); for listing folders.
bool has_video_extension(const std::filesystem::path& path);

}  // namespace mien::video
