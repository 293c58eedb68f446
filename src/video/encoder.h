#pragma once

#include <span>

#include "mien/video/writer.h"
#include "video/ffmpeg.h"

namespace mien::video {

/// `open_writer` with the encoders to try, preferred first (FFmpeg's names).
Result<std::unique_ptr<VideoWriter>> open_writer_with(const std::filesystem::path& path,
                                                      const WriterOptions& options,
                                                      std::span<const char* const> encoders);

}  // namespace mien::video
