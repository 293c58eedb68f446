#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/log.h"
#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::video {

/// What is known of a clip before it is read. Zero means unknown (live streams, broken headers).
struct ClipInfo {
  int width = 0;  ///< upright, after rotation
  int height = 0;
  double fps = 0;  ///< average frames per second
  double seconds = 0;
  std::int64_t frames = 0;  ///< estimate, for progress only
  bool live = false;        ///< camera or pipe: cannot seek
  bool has_audio = false;
};

/// One decoded frame, upright RGB.
struct Frame {
  image::Image image;
  std::int64_t index = 0;         ///< 0, 1, ... in presentation order, counting every good frame
  std::int64_t timestamp_us = 0;  ///< true presentation time, from the start of the clip
};

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
};

struct OpenOptions {
  Limits limits;
  LogSink log;
  double folder_fps = 25.0;                   ///< frame rate assumed for a folder of pictures
  int threads = 1;                            ///< decoder threads; 0: as many as the machine has
  const std::atomic<bool>* cancel = nullptr;  ///< checked while waiting for input
};

/// Opens a video file of any container FFmpeg knows that has its pictures inside: playlists,
/// manifests and whatever else names other files or hosts are refused.
/// Errors: kNotFound, kIo, kUnsupported (no video stream, unknown codec), kCorrupt, kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_file(const std::filesystem::path& path,
                                               const OpenOptions& options = {});
/// Pictures of a folder sorted by name (as plain strings) as frames; a broken one is counted and
/// leaves a gap in time. Errors: kNotFound, kInvalidArgument (no picture inside, bad folder_fps),
/// kResourceLimit.
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

/// True when the extension is a usual one of video files (case is ignored); used to list folders.
bool has_video_extension(const std::filesystem::path& path);

}  // namespace mien::video
