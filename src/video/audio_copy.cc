#include "video/audio_copy.h"

#include <utility>

namespace mien::video {

Result<std::unique_ptr<AudioCopy>> AudioCopy::open(const std::filesystem::path& from,
                                                   std::int64_t start_us, AVFormatContext& output) {
  MIEN_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> bytes, open_file_bytes(from, nullptr));
  MIEN_ASSIGN_OR_RETURN(Container container,
                        Container::open(std::move(bytes), from.string(), OpenOptions{}));
  const int video = container.find_video();
  const int audio = container.find_audio(video);
  if (audio < 0) return std::unique_ptr<AudioCopy>();
  const AVStream& source = *container.context().streams[audio];
  if (avformat_query_codec(output.oformat, source.codecpar->codec_id, FF_COMPLIANCE_NORMAL) != 1) {
    return std::unique_ptr<AudioCopy>();
  }
  AVStream* target = avformat_new_stream(&output, nullptr);
  if (target == nullptr || avcodec_parameters_copy(target->codecpar, source.codecpar) < 0) {
    return internal_error(from.string() + ": no memory for its audio");
  }
  target->codecpar->codec_tag = 0;  // the source's tag belongs to its own container
  target->time_base = source.time_base;

  container.select(audio);
  std::unique_ptr<AudioCopy> self(new AudioCopy(std::move(container), output));
  self->start_us_ = start_us;
  self->input_stream_ = audio;
  self->output_stream_ = target->index;
  // Pictures and sound share one clock, that of the container.
  self->clock_.start(self->container_.context(), *self->container_.context().streams[audio]);
  return self;
}

// Reads the next packet after the start; false at the end.
bool AudioCopy::fetch() {
  while (!ended_) {
    const auto got = container_.read(*packet_);
    if (!got.ok() || *got != Container::Read::kPacket) {
      ended_ = true;
      break;
    }
    if (packet_->stream_index != input_stream_) continue;
    clock_.mend(*packet_);
    const auto time = clock_.time_of(clock_.told(*packet_));
    if (!time || *time < start_us_) continue;
    time_us_ = *time - start_us_;
    return true;
  }
  return false;
}

Status AudioCopy::copy_until(std::int64_t until_us) {
  for (;;) {
    if (!waiting_ && !fetch()) return {};
    waiting_ = true;
    if (time_us_ >= until_us) return {};
    waiting_ = false;
    const AVRational from = container_.context().streams[input_stream_]->time_base;
    const AVRational to = output_.streams[output_stream_]->time_base;
    // Each packet has one timestamp for decoding and presentation, because audio is not reordered.
    packet_->pts = packet_->dts = av_rescale_q(time_us_, kMicroseconds, to);
    packet_->duration = av_rescale_q(packet_->duration, from, to);
    packet_->pos = -1;
    packet_->stream_index = output_stream_;
    if (packet_->dts <= last_dts_) continue;
    last_dts_ = packet_->dts;
    const int code = av_interleaved_write_frame(&output_, packet_.get());
    if (code < 0) return io_error("audio: cannot be written (" + ffmpeg_error(code) + ")");
  }
}

}  // namespace mien::video
