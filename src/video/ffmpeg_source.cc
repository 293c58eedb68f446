#include "video/ffmpeg_source.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string_view>
#include <thread>

#include "video/ending.h"

namespace mien::video {
namespace {

constexpr int kMaxDrainErrors = 64;
constexpr double kMaxFps = 10'000;
constexpr std::int64_t kMostShownUs = 3'600'000'000;

double rate(AVRational value) {
  if (value.num <= 0 || value.den <= 0) return 0;
  const double fps = av_q2d(value);
  return fps <= kMaxFps ? fps : 0;
}

}  // namespace

Result<std::unique_ptr<VideoSource>> FfmpegSource::make(Container container,
                                                        const OpenOptions& options) {
  std::unique_ptr<FfmpegSource> self(new FfmpegSource(std::move(container), options));
  MIEN_RETURN_IF_ERROR(self->open_decoder());
  self->fill_info();
  self->info_.clock = options.clock;
  if (self->info_.width > 0 && self->info_.height > 0) {
    MIEN_RETURN_IF_ERROR(check_size({self->info_.width, self->info_.height}, options.limits,
                                    self->container_.name()));
  }
  return self;
}

Status FfmpegSource::open_decoder() {
  const std::string& name = container_.name();
  stream_ = container_.find_video();
  if (stream_ < 0) {
    const bool nothing = container_.context().nb_streams == 0;
    return nothing ? corrupt(name + ": has no streams (cut short?)")
                   : unsupported(name + ": has no video stream");
  }
  container_.select(stream_);
  const AVCodecParameters& parameters = *stream().codecpar;
  const AVCodec* codec = avcodec_find_decoder(parameters.codec_id);
  if (codec == nullptr) {
    const std::string what = avcodec_get_name(parameters.codec_id);
    return unsupported(name + ": no decoder for its codec (got '" + what + "')");
  }
  decoder_.reset(avcodec_alloc_context3(codec));
  if (decoder_ == nullptr || avcodec_parameters_to_context(decoder_.get(), &parameters) < 0) {
    return corrupt(name + ": bad codec parameters");
  }
  decoder_->pkt_timebase = stream().time_base;
  decoder_->thread_count = std::clamp(options_.threads, 0, 64);
  if (!container_.seekable()) decoder_->thread_type = FF_THREAD_SLICE;  // no delay when live
  decoder_->max_pixels = decoder_pixel_limit(options_.limits);
  const int opened = avcodec_open2(decoder_.get(), codec, nullptr);
  if (opened < 0) {
    return unsupported(name + ": decoder '" + codec->name + "' failed to start (" +
                       ffmpeg_error(opened) + ")");
  }
  clock_.start(container_.context(), stream());
  return {};
}

void FfmpegSource::fill_info() {
  const AVFormatContext& context = container_.context();
  const AVStream& video = stream();
  const AVRational aspect = av_guess_sample_aspect_ratio(&container_.context(), &stream(), nullptr);
  PictureSize size = displayed_size(video.codecpar->width, video.codecpar->height, aspect);
  if (orientation_of(display_matrix(video)).transpose) std::swap(size.width, size.height);
  info_.width = static_cast<int>(size.width);
  info_.height = static_cast<int>(size.height);
  info_.fps = rate(video.avg_frame_rate);
  if (info_.fps == 0) info_.fps = rate(video.r_frame_rate);
  if (info_.fps > 0) step_us_ = std::max<std::int64_t>(1, std::llround(1e6 / info_.fps));
  clock_.set_step(step_us_);
  info_.live = !container_.seekable();
  info_.has_audio = container_.find_audio(stream_) >= 0;
  info_.offset = clock_.offset_seconds();
  info_.start =
      std::max(0.0, static_cast<double>(clock_.time_of(video.start_time).value_or(0)) / 1e6);
  if (info_.live) return;
  constexpr double kMaxSeconds = 1e9;
  double seconds = 0;
  if (video.duration > 0) {
    seconds = static_cast<double>(video.duration) * av_q2d(video.time_base);
  } else if (context.duration > 0) {
    seconds = static_cast<double>(context.duration) / AV_TIME_BASE;
    // Matroska states where the clip ends on its own clock.
    const bool matroska = std::string_view(context.iformat->name).starts_with("matroska");
    const double begin = info_.offset + info_.start;
    if (matroska && begin > 0 && begin < seconds) seconds -= begin;
  }
  info_.seconds = seconds > 0 && seconds < kMaxSeconds ? seconds : 0;
  const std::int64_t listed = listed_frames(container_.context(), stream());
  const double told =
      listed > 0 ? static_cast<double>(listed) : std::round(info_.seconds * info_.fps);
  info_.frames = static_cast<std::int64_t>(std::min(told, 1e12));
}

AVRational FfmpegSource::pixel_aspect(const AVFrame& frame) {
  AVFrame* borrowed = const_cast<AVFrame*>(&frame);  // only read
  return av_guess_sample_aspect_ratio(&container_.context(), &stream(), borrowed);
}

void FfmpegSource::count_corrupt() {
  if (!quiet_ && fresh_) ++corrupt_;
}

// Reads one packet of the clip and passes it to the decoder.
Status FfmpegSource::feed() {
  touched_ = true;
  MIEN_ASSIGN_OR_RETURN(const Container::Read got, container_.read(*packet_));
  switch (got) {
    case Container::Read::kAgain:
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      return {};
    case Container::Read::kBroken: count_corrupt(); return {};
    case Container::Read::kEnd:
      draining_ = true;
      avcodec_send_packet(decoder_.get(), nullptr);
      return {};
    case Container::Read::kPacket: break;
  }
  if (packet_->stream_index != stream_) return {};
  clock_.mend(*packet_);
  if (await_key_) {
    if ((packet_->flags & AV_PKT_FLAG_KEY) == 0) return {};
    await_key_ = false;
    key_time_us_ = clock_.time_of(packet_->pts).value_or(kNoTimestamp);
  }
  const std::int64_t time = packet_->dts != kNoTimestamp ? packet_->dts : packet_->pts;
  fresh_ = !sought_ || time == kNoTimestamp || time > furthest_;
  furthest_ = std::max(furthest_, time);
  if ((packet_->flags & AV_PKT_FLAG_CORRUPT) != 0 && packet_->pts != kNoTimestamp) {
    constexpr std::size_t kMostHeldBack = 64;
    if (damaged_.size() >= kMostHeldBack) damaged_.pop_front();
    damaged_.push_back(packet_->pts);
  }
  if (skip_before_us_ != kNoTimestamp) {
    const auto shown = clock_.time_of(clock_.told(*packet_));
    const bool passed_over = shown && *shown < skip_before_us_;
    decoder_->skip_frame = passed_over ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
  }
  clock_.sent(*packet_);
  const int sent = avcodec_send_packet(decoder_.get(), packet_.get());
  if (sent < 0 && sent != AVERROR_EOF) {
    clock_.lost(*packet_);
    count_corrupt();
  }
  return {};
}

// How long the frame is shown: as the file states, otherwise one step.
std::int64_t FfmpegSource::frame_duration(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  const std::int64_t told = frame.duration;
#else
  const std::int64_t told = frame.pkt_duration;
#endif
  if (told <= 0) return step_us_;
  const std::int64_t us = av_rescale_q(told, stream().time_base, kMicroseconds);
  return us > 0 && us <= kMostShownUs ? us : step_us_;
}

// Checks and times the frame that the decoder returned; nullopt when it must not be shown.
std::optional<FfmpegSource::Decoded> FfmpegSource::accept() {
  // A frame with concealed damage counts as broken: its pixels are guesses.
  const std::int64_t shown = clock_.shown(*frame_, decoder_->has_b_frames);
  clock_.origin_at_least_here(shown);
  const auto damaged = std::find(damaged_.begin(), damaged_.end(), frame_->pts);
  const bool listed = damaged != damaged_.end();
  if (listed) damaged_.erase(damaged);
  if (listed || (frame_->flags & AV_FRAME_FLAG_CORRUPT) != 0 || frame_->decode_error_flags != 0) {
    count_corrupt();
    return std::nullopt;
  }
  std::optional<std::int64_t> time = clock_.time_of(shown);
  if (after_jump_ && !time) return std::nullopt;
  if (time && *time < key_time_us_) return std::nullopt;
  after_jump_ = false;
  if (!last_time_us_) {
    time = std::max<std::int64_t>(0, time.value_or(0));
  } else if (!time || *time <= *last_time_us_) {
    time = *last_time_us_ + step_us_;
  }
  last_time_us_ = time;
  if (!first_time_us_) first_time_us_ = time;
  ++good_;
  Decoded out{make_frame(), *time, frame_duration(*frame_)};
  av_frame_move_ref(out.frame.get(), frame_.get());
  return out;
}

Status FfmpegSource::check_limits(const Decoded& decoded) {
  const AVFrame& frame = *decoded.frame;
  MIEN_RETURN_IF_ERROR(check_size({frame.width, frame.height}, options_.limits, container_.name()));
  MIEN_RETURN_IF_ERROR(check_size(displayed_size(frame.width, frame.height, pixel_aspect(frame)),
                                  options_.limits, container_.name()));
  const std::int64_t since = decoded.timestamp_us - first_time_us_.value_or(0);
  if (static_cast<double>(since) > options_.limits.max_seconds * 1e6) {
    return resource_limit(container_.name() + ": clip is too long (expected at most " +
                          std::to_string(options_.limits.max_seconds) + " s)");
  }
  return {};
}

Result<std::optional<FfmpegSource::Decoded>> FfmpegSource::decode() {
  while (!ended_) {
    const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
    if (got >= 0) {
      std::optional<Decoded> decoded = accept();
      av_frame_unref(frame_.get());
      if (!decoded) continue;
      MIEN_RETURN_IF_ERROR(check_limits(*decoded));
      return decoded;
    }
    if (got == AVERROR_EOF) {
      ended_ = true;
      break;
    }
    if (got != AVERROR(EAGAIN)) count_corrupt();
    if (draining_) {
      if (++drain_errors_ > kMaxDrainErrors) ended_ = true;
      continue;
    }
    MIEN_RETURN_IF_ERROR(feed());
  }
  return std::optional<Decoded>();
}

Result<Frame> FfmpegSource::deliver(const Decoded& decoded, const Wanted& wanted) {
  if (static_cast<std::uint64_t>(index_) >= options_.limits.max_frames) {
    return resource_limit(container_.name() + ": too many frames (expected at most " +
                          std::to_string(options_.limits.max_frames) + ")");
  }
  Frame out;
  out.index = index_++;
  out.timestamp_us = decoded.timestamp_us;
  out.duration_us = decoded.duration_us;
  if (wanted && !wanted(out)) return out;
  const AVFrame& frame = *decoded.frame;
  const AVFrameSideData* own = av_frame_get_side_data(&frame, AV_FRAME_DATA_DISPLAYMATRIX);
  const bool usable = own != nullptr && own->size >= 9 * sizeof(std::int32_t);
  const void* matrix = usable ? own->data : nullptr;
  const std::int32_t* numbers =
      usable ? static_cast<const std::int32_t*>(matrix) : display_matrix(stream());
  auto picture = converter_.convert(frame, pixel_aspect(frame), orientation_of(numbers));
  if (!picture.ok()) return picture.status().with_prefix(container_.name());
  out.image = std::move(picture).value();
  return out;
}

// At the end: is this the end that the header states?
void FfmpegSource::judge_end() {
  if (cut_short_ || !ends_early(container_, stream())) return;
  constexpr std::int64_t kSlack = 1;  // a rate times a length is rounded
  const std::int64_t listed = listed_frames(container_.context(), stream());
  const std::int64_t expected = info_.frames > 0 ? info_.frames : listed;
  if (expected > 0 && index_ + corrupt_ + kSlack >= expected) return;
  cut_short_ = CutShort{index_, expected};
}

Result<std::optional<Frame>> FfmpegSource::next_if(const Wanted& wanted) {
  MIEN_RETURN_IF_ERROR(failure_);
  std::optional<Decoded> decoded;
  if (!pending_.empty()) {
    decoded = std::move(pending_.front());
    pending_.pop_front();
  } else {
    auto outcome = decode();
    if (!outcome.ok()) return failure_ = outcome.status();
    decoded = std::move(outcome).value();
  }
  if (!decoded) {
    if (good_ > 0) {
      judge_end();
      return std::optional<Frame>();
    }
    std::string problem = ": no frame could be decoded (" + std::to_string(corrupt_) + " broken)";
    // For an MP4 with its index at the end, a pipe delivers the pictures before the index.
    if (!container_.seekable() &&
        std::string_view(container_.context().iformat->name).find("mp4") !=
            std::string_view::npos) {
      problem +=
          "; it has its index at the end, which cannot be read from a pipe (expected the file "
          "itself, or one laid out for streaming: ffmpeg -i IN -c copy -movflags faststart "
          "OUT.mp4)";
    }
    return failure_ = corrupt(container_.name() + problem);
  }
  auto frame = deliver(*decoded, wanted);
  if (!frame.ok()) return failure_ = frame.status();
  return std::optional<Frame>(std::move(frame).value());
}

}  // namespace mien::video
