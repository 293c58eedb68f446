#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::video {

struct WriterOptions {
  int width = 0;  ///< rounded down to even
  int height = 0;
  double fps = 25.0;                 ///< nominal rate, for the header
  std::filesystem::path audio_from;  ///< when set, the first audio stream of this clip is copied
                                     ///< without re-encoding where the container allows it
};

/// Encodes frames to an MP4 (H.264 when the FFmpeg build has an encoder, else MPEG-4), keeping
/// their true timestamps. Writes to a temporary name; `finish` renames. Without `finish` nothing is
/// left behind.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  /// Precondition: timestamps grow. Errors: kIo, kInternal, kInvalidArgument for a frame of another
  /// size.
  virtual Status write(image::ImageView frame, std::int64_t timestamp_us) = 0;
  virtual Status finish() = 0;
};
Result<std::unique_ptr<VideoWriter>> open_writer(const std::filesystem::path& path,
                                                 const WriterOptions& options);

}  // namespace mien::video
