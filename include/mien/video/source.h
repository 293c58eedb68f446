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

/// Frames of a clip in presentation order. Threads: one thread at a time.
class VideoSource {
 public:
  virtual ~VideoSource() = default;
  virtual const ClipInfo& info() const = 0;
  /// The next good frame, or nullopt at the end. Broken frames are counted and skipped.
  /// Errors: kIo, kResourceLimit (frames, seconds, pixels), kCorrupt when not a single frame could
  /// be decoded.
  virtual Result<std::optional<Frame>> next() = 0;
  /// Moves so that the next frame is the last one at or before `timestamp_us` (the first frame when
  /// before all). Errors: kUnsupported for live input.
  virtual Status seek(std::int64_t timestamp_us) = 0;
  virtual std::int64_t corrupt_frames() const = 0;
};

struct OpenOptions {
  Limits limits;
  LogSink log;
  double folder_fps = 25.0;                   ///< frame rate assumed for a folder of pictures
  int threads = 1;                            ///< decoder threads
  const std::atomic<bool>* cancel = nullptr;  ///< checked while waiting for input
};

/// Opens a video file of any container FFmpeg knows (local files only; no network protocols).
/// Errors: kNotFound, kIo, kUnsupported (no video stream, unknown codec), kCorrupt, kResourceLimit.
Result<std::unique_ptr<VideoSource>> open_file(const std::filesystem::path& path,
                                               const OpenOptions& options = {});
/// Pictures of a folder sorted by name as frames. Errors: kNotFound, kInvalidArgument (no picture
/// inside).
Result<std::unique_ptr<VideoSource>> open_folder(const std::filesystem::path& path,
                                                 const OpenOptions& options = {});
/// A live stream from a file descriptor (standard input), for example MPEG-TS. `prefix` are bytes
/// already read from it. Does not close `fd`.
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
