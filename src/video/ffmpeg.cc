#include "video/ffmpeg.h"

#include <array>
#include <mutex>

#include "mien/core/check.h"

namespace mien::video {

FramePtr make_frame() {
  FramePtr frame(av_frame_alloc());
  MIEN_CHECK(frame != nullptr);
  return frame;
}

PacketPtr make_packet() {
  PacketPtr packet(av_packet_alloc());
  MIEN_CHECK(packet != nullptr);
  return packet;
}

std::string ffmpeg_error(int code) {
  std::array<char, AV_ERROR_MAX_STRING_SIZE> text{};
  av_strerror(code, text.data(), text.size());
  return text.data();
}

void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

// This side data moved in libavformat 60.15 (FFmpeg 6.1).
const std::int32_t* display_matrix(const AVStream& stream) {
  constexpr std::size_t kBytes = 9 * sizeof(std::int32_t);
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
  const AVPacketSideData* data =
      av_packet_side_data_get(stream.codecpar->coded_side_data, stream.codecpar->nb_coded_side_data,
                              AV_PKT_DATA_DISPLAYMATRIX);
  if (data == nullptr || data->size < kBytes) return nullptr;
  const void* bytes = data->data;
#else
  std::size_t size = 0;
  const void* bytes = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (bytes == nullptr || size < kBytes) return nullptr;
#endif
  return static_cast<const std::int32_t*>(bytes);
}

}  // namespace mien::video
