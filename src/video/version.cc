#include "video/version.h"

#include "video/ffmpeg.h"

namespace mien::video {

FfmpegInfo ffmpeg_info() {
  silence_ffmpeg();
  return {.version = av_version_info(),
          .h264_decoder = avcodec_find_decoder(AV_CODEC_ID_H264) != nullptr,
          .h264_encoder = avcodec_find_encoder_by_name("libx264") != nullptr,
          .mpeg4_encoder = avcodec_find_encoder(AV_CODEC_ID_MPEG4) != nullptr};
}

}  // namespace mien::video
