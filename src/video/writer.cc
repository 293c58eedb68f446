#include "mien/video/writer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>

#include "core/cpus.h"
#include "core/file.h"
#include "mien/core/check.h"
#include "video/audio_copy.h"
#include "video/encoder.h"

namespace mien::video {
namespace {

constexpr AVRational kClock = {1, 90'000};
constexpr AVRational kMpeg4Clock = {1, 60'000};  // its encoder allows at most 16 bits

struct OutputDeleter {
  void operator()(AVFormatContext* context) const {
    avio_closep(&context->pb);
    avformat_free_context(context);
  }
};

class Mp4Writer : public VideoWriter {
 public:
  Mp4Writer(std::filesystem::path path, const WriterOptions& options, AtomicFile file)
      : path_(std::move(path)), options_(options), file_(std::move(file)) {
    step_us_ = std::max<std::int64_t>(1, std::llround(1e6 / options.fps));
  }

  Status open(std::span<const char* const> encoders);
  Status write(image::ImageView frame, std::int64_t timestamp_us) override;
  Status finish() override;
  Result<std::filesystem::path> keep_part() override;
  bool audio_copied() const override { return audio_ != nullptr; }

 private:
  Status open_encoder(std::span<const char* const> encoders);
  Status try_encoder(const AVCodec& codec);
  Status make_buffers();
  Status write_header();
  Status convert(image::ImageView frame);
  Status drain();
  Status complete();
  Status problem(const char* what, int code) const {
    return io_error(path_.string() + ": " + what + " (" + ffmpeg_error(code) + ")");
  }

  // Members are destroyed in reverse: writers first, the temporary file last.
  std::filesystem::path path_;
  WriterOptions options_;
  AtomicFile file_;
  std::unique_ptr<AVFormatContext, OutputDeleter> output_;
  std::unique_ptr<AudioCopy> audio_;
  CodecPtr encoder_;
  AVStream* stream_ = nullptr;
  SwsPtr scaler_;
  FramePtr rgb_;
  FramePtr yuv_;
  PacketPtr packet_ = make_packet();
  std::int64_t last_pts_ = kNoTimestamp;
  std::int64_t last_time_us_ = 0;
  std::int64_t step_us_ = 0;  ///< between the last two frames
  bool closed_ = false;
};

Status Mp4Writer::open(std::span<const char* const> encoders) {
  AVFormatContext* context = nullptr;
  const std::string url = "file:" + file_.temporary_path().string();
  if (avformat_alloc_output_context2(&context, nullptr, "mp4", url.c_str()) < 0) {
    return unsupported(path_.string() + ": this FFmpeg cannot write MP4");
  }
  output_.reset(context);
  MIEN_RETURN_IF_ERROR(open_encoder(encoders));
  MIEN_RETURN_IF_ERROR(make_buffers());
  if (!options_.audio_from.empty()) {
    MIEN_ASSIGN_OR_RETURN(audio_,
                          AudioCopy::open(options_.audio_from, options_.start_us, *output_));
  }
  return write_header();
}

Status Mp4Writer::open_encoder(std::span<const char* const> encoders) {
  stream_ = avformat_new_stream(output_.get(), nullptr);
  MIEN_CHECK(stream_ != nullptr);
  Status status = unsupported(path_.string() + ": this FFmpeg has no encoder for it");
  for (const char* name : encoders) {
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (codec == nullptr) continue;
    status = try_encoder(*codec);
    if (status.ok()) return status;
  }
  return status;
}

Status Mp4Writer::try_encoder(const AVCodec& codec) {
  encoder_.reset(avcodec_alloc_context3(&codec));
  MIEN_CHECK(encoder_ != nullptr);
  const bool mpeg4 = codec.id == AV_CODEC_ID_MPEG4;
  encoder_->width = options_.width & ~1;  // 4:2:0 needs even sides
  encoder_->height = options_.height & ~1;
  encoder_->pix_fmt = AV_PIX_FMT_YUV420P;
  encoder_->time_base = mpeg4 ? kMpeg4Clock : kClock;
  encoder_->framerate = av_d2q(options_.fps, 1'000'000);
  // A key picture every two seconds, so that players can seek.
  encoder_->gop_size = static_cast<int>(std::clamp(std::round(options_.fps * 2), 12.0, 250.0));
  encoder_->color_range = AVCOL_RANGE_MPEG;
  const bool high_definition = encoder_->width >= 1280 || encoder_->height > 576;
  encoder_->colorspace = high_definition ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
  encoder_->thread_count =
      std::min(available_cpus(), 16);  // FFmpeg has no code for an exceeded quota
  if ((output_->oformat->flags & AVFMT_GLOBALHEADER) != 0) {
    encoder_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  }
  AVDictionary* settings = nullptr;
  if (mpeg4) {
    encoder_->flags |= AV_CODEC_FLAG_QSCALE;
    encoder_->global_quality = 3 * FF_QP2LAMBDA;
  } else {
    av_dict_set(&settings, "preset", "veryfast", 0);
    av_dict_set(&settings, "crf", "20", 0);
  }
  const int opened = avcodec_open2(encoder_.get(), &codec, &settings);
  av_dict_free(&settings);
  if (opened >= 0) return {};
  return unsupported(path_.string() + ": encoder '" + codec.name + "' does not support " +
                     std::to_string(options_.width) + "x" + std::to_string(options_.height) + " (" +
                     ffmpeg_error(opened) + ")");
}

// Rows are padded: the scaler's vector code reads and writes whole blocks.
Status Mp4Writer::make_buffers() {
  constexpr int kAlign = 64;
  const auto make = [&](AVPixelFormat format) {
    FramePtr frame = make_frame();
    frame->format = format;
    frame->width = encoder_->width;
    frame->height = encoder_->height;
    if (av_frame_get_buffer(frame.get(), kAlign) < 0) frame.reset();
    return frame;
  };
  rgb_ = make(AV_PIX_FMT_RGB24);
  yuv_ = make(AV_PIX_FMT_YUV420P);
  scaler_.reset(sws_getContext(encoder_->width, encoder_->height, AV_PIX_FMT_RGB24, encoder_->width,
                               encoder_->height, AV_PIX_FMT_YUV420P, SWS_BICUBIC, nullptr, nullptr,
                               nullptr));
  if (rgb_ == nullptr || yuv_ == nullptr || scaler_ == nullptr) {
    return resource_limit(path_.string() + ": no memory for its frames");
  }
  const int space = encoder_->colorspace == AVCOL_SPC_BT709 ? SWS_CS_ITU709 : SWS_CS_ITU601;
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(SWS_CS_DEFAULT), 1,
                           sws_getCoefficients(space), 0, 0, 1 << 16, 1 << 16);
  yuv_->color_range = encoder_->color_range;
  yuv_->colorspace = encoder_->colorspace;
  return {};
}

Status Mp4Writer::write_header() {
  if (avcodec_parameters_from_context(stream_->codecpar, encoder_.get()) < 0) {
    return internal_error(path_.string() + ": bad encoder parameters");
  }
  stream_->time_base = encoder_->time_base;
  stream_->avg_frame_rate = encoder_->framerate;
  int code = avio_open(&output_->pb, output_->url, AVIO_FLAG_WRITE);
  if (code < 0) return problem("cannot be written", code);
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "movflags", "+faststart", 0);
  code = avformat_write_header(output_.get(), &settings);
  av_dict_free(&settings);
  return code < 0 ? problem("cannot be written", code) : Status();
}

Status Mp4Writer::convert(image::ImageView frame) {
  if (av_frame_make_writable(yuv_.get()) < 0) {
    return resource_limit(path_.string() + ": no memory for its frames");
  }
  for (int y = 0; y < rgb_->height; ++y) {
    std::memcpy(rgb_->data[0] + std::ptrdiff_t{y} * rgb_->linesize[0], frame.row(y),
                static_cast<std::size_t>(rgb_->width) * 3);
  }
  sws_scale(scaler_.get(), rgb_->data, rgb_->linesize, 0, rgb_->height, yuv_->data, yuv_->linesize);
  return {};
}

Status Mp4Writer::write(image::ImageView frame, std::int64_t timestamp_us) {
  MIEN_CHECK(!closed_);
  timestamp_us -= options_.start_us;
  MIEN_CHECK(last_pts_ == kNoTimestamp || timestamp_us > last_time_us_);
  if (frame.width != options_.width || frame.height != options_.height) {
    return invalid_argument(path_.string() + ": frame has another size (expected " +
                            std::to_string(options_.width) + "x" + std::to_string(options_.height) +
                            ", got " + std::to_string(frame.width) + "x" +
                            std::to_string(frame.height) + ")");
  }
  MIEN_RETURN_IF_ERROR(convert(frame));
  if (last_pts_ != kNoTimestamp) step_us_ = timestamp_us - last_time_us_;
  last_time_us_ = timestamp_us;
  std::int64_t pts = av_rescale_q(timestamp_us, kMicroseconds, encoder_->time_base);
  // Times less than a tick of the clock apart must still increase.
  if (last_pts_ != kNoTimestamp) pts = std::max(pts, last_pts_ + 1);
  last_pts_ = yuv_->pts = pts;
  const int code = avcodec_send_frame(encoder_.get(), yuv_.get());
  if (code < 0) {
    return internal_error(path_.string() + ": encoding failed (" + ffmpeg_error(code) + ")");
  }
  MIEN_RETURN_IF_ERROR(drain());
  return audio_ != nullptr ? audio_->copy_until(timestamp_us).with_prefix(path_.string())
                           : Status();
}

Status Mp4Writer::drain() {
  for (;;) {
    int code = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return {};
    if (code < 0) {
      return internal_error(path_.string() + ": encoding failed (" + ffmpeg_error(code) + ")");
    }
    packet_->stream_index = stream_->index;
    if (packet_->pts == last_pts_) {  // the last frame lasts as long as the one before
      packet_->duration = av_rescale_q(step_us_, kMicroseconds, encoder_->time_base);
    }
    av_packet_rescale_ts(packet_.get(), encoder_->time_base, stream_->time_base);
    code = av_interleaved_write_frame(output_.get(), packet_.get());
    if (code < 0) return problem("cannot be written", code);
    if (output_->pb->error < 0) return problem("cannot be written", output_->pb->error);
  }
}

Status Mp4Writer::finish() {
  MIEN_RETURN_IF_ERROR(complete());
  return file_.commit();
}

Result<std::filesystem::path> Mp4Writer::keep_part() {
  if (closed_ || last_pts_ == kNoTimestamp) return std::filesystem::path();
  MIEN_RETURN_IF_ERROR(complete());
  return file_.keep_part();
}

Status Mp4Writer::complete() {
  MIEN_CHECK(!closed_);
  closed_ = true;
  if (last_pts_ == kNoTimestamp) return invalid_argument(path_.string() + ": no frame was written");
  avcodec_send_frame(encoder_.get(), nullptr);
  MIEN_RETURN_IF_ERROR(drain());
  if (audio_ != nullptr) {
    MIEN_RETURN_IF_ERROR(audio_->copy_until(last_time_us_ + step_us_).with_prefix(path_.string()));
  }
  // The first error is reported, but the file is closed in any case.
  int code = av_write_trailer(output_.get());
  const int pending = output_->pb->error;
  const int close_code = avio_closep(&output_->pb);
  for (const int other : {pending, close_code}) {
    if (code >= 0) code = other;
  }
  return code < 0 ? problem("cannot be written", code) : Status();
}

}  // namespace

Result<std::unique_ptr<VideoWriter>> open_writer_with(const std::filesystem::path& path,
                                                      const WriterOptions& options,
                                                      std::span<const char* const> encoders) {
  silence_ffmpeg();
  if (options.width < 2 || options.height < 2 || options.width > 16'384 ||
      options.height > 16'384) {
    return invalid_argument(path.string() + ": bad frame size (expected 2..16384 on a side, got " +
                            std::to_string(options.width) + "x" + std::to_string(options.height) +
                            ")");
  }
  if (!std::isfinite(options.fps) || options.fps < 1e-3 || options.fps > 10'000) {
    return invalid_argument(path.string() + ": bad frame rate (expected 0.001..10000, got " +
                            std::to_string(options.fps) + ")");
  }
  MIEN_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path, AtomicFile::Access::kSeekable));
  auto writer = std::make_unique<Mp4Writer>(path, options, std::move(file));
  MIEN_RETURN_IF_ERROR(writer->open(encoders));
  return writer;
}

Result<std::unique_ptr<VideoWriter>> open_writer(const std::filesystem::path& path,
                                                 const WriterOptions& options) {
  static constexpr std::array<const char*, 2> kEncoders = {"libx264", "mpeg4"};
  return open_writer_with(path, options, kEncoders);
}

}  // namespace mien::video
