#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::video {

/// What a VideoWriter writes.
struct WriterOptions {
  int width = 0;  ///< of the frames; an odd last column or row is not encoded
  int height = 0;
  double fps = 25.0;                 ///< nominal rate, for the header
  std::filesystem::path audio_from;  ///< when set, the first audio stream of this clip is copied
                                     ///< without re-encoding where the container allows it,
                                     ///< on the same clock and cut to the written length
  std::int64_t start_us = 0;         ///< time in frames and `audio_from` that becomes 0
};

/// Encodes frames to an MP4 (H.264 when the FFmpeg build has an encoder, else MPEG-4), keeping
/// their true timestamps. Writes to a temporary name; `finish` renames (AtomicFile). Without
/// `finish` or `keep_part` nothing is left behind.
class VideoWriter {
 public:
  virtual ~VideoWriter() = default;
  /// Encodes the next frame. Precondition: timestamps increase. Errors: kIo, kInternal,
  /// kInvalidArgument for a frame of another size.
  virtual Status write(image::ImageView frame, std::int64_t timestamp_us) = 0;
  /// Completes the file; nothing may be written after it. Errors: kIo (for example a full disk),
  /// kInvalidArgument when no frame was written.
  virtual Status finish() = 0;
  /// Ends an incomplete clip so that it can be played, and keeps it under the name that
  /// AtomicFile::keep_part gives, which is returned. Errors: as finish.
  virtual Result<std::filesystem::path> keep_part() = 0;
  /// True when `audio_from` has an audio stream and an MP4 can hold it without re-encoding.
  virtual bool audio_copied() const { return false; }
};
/// Starts writing `path`. Errors: kInvalidArgument (size below 2x2, bad rate); those of `open_file`
/// for audio_from; kIo (missing folder); kUnsupported (no encoder supports this size).
Result<std::unique_ptr<VideoWriter>> open_writer(const std::filesystem::path& path,
                                                 const WriterOptions& options);

}  // namespace mien::video
