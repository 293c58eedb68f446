#pragma once

// The FFmpeg libraries, with RAII owners for their objects. Private to this room.
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

#include <cstdint>
#include <limits>
#include <memory>
#include <string>

namespace mien::video {

inline constexpr std::int64_t kNoTimestamp = std::numeric_limits<std::int64_t>::min();
inline constexpr AVRational kMicroseconds = {1, 1'000'000};

struct FrameDeleter {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct PacketDeleter {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};
struct CodecDeleter {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
};
struct SwsDeleter {
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};
using FramePtr = std::unique_ptr<AVFrame, FrameDeleter>;
using PacketPtr = std::unique_ptr<AVPacket, PacketDeleter>;
using CodecPtr = std::unique_ptr<AVCodecContext, CodecDeleter>;
using SwsPtr = std::unique_ptr<SwsContext, SwsDeleter>;

/// Precondition of both: the allocation (a few hundred bytes) succeeds.
FramePtr make_frame();
PacketPtr make_packet();

/// The text of an FFmpeg error code.
std::string ffmpeg_error(int code);

/// Silences the FFmpeg log, which goes to standard error by default: libraries do not print.
void silence_ffmpeg();

/// The display matrix of a stream (nine numbers), or null.
const std::int32_t* display_matrix(const AVStream& stream);

}  // namespace mien::video
