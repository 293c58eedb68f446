#pragma once

#include <string>

namespace mien::video {

/// Version and capabilities of the FFmpeg libraries on this machine.
struct FfmpegInfo {
  std::string version;  ///< "5.1.6-0+deb12u1"
  bool h264_decoder = false;
  bool h264_encoder = false;  ///< libx264; without it clips are written as MPEG-4 part 2
  bool mpeg4_encoder = false;
};

FfmpegInfo ffmpeg_info();

}  // namespace mien::video
