#include "video/container.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mien/core/check.h"
#include "video/convert.h"

namespace mien::video {
namespace {

// Containers that hold the pictures themselves. Excluded: playlists and manifests (HLS, DASH,
// concat, IMF, SDP), picture sequences and everything else that refers to other files or hosts, and
// formats that FFmpeg renders (text art, modules).
constexpr const char* kContainers =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,live_flv,asf,ogg,gif,apng,"
    "h261,h263,h264,hevc,vvc,m4v,ivf,obu,av1,vc1,vc1test,mjpeg,mpjpeg,yuv4mpegpipe,nut,dv,mxf,gxf,"
    "wtv,rm,swf,dirac,dnxhd,cavsvideo,avs2,avs3,evc,amv";
constexpr const char* kAudioOnly =
    "aac,ac3,adts,aiff,alac,amr,ape,au,caf,dts,eac3,flac,loas,mp2,mp3,oga,opus,tta,w64,wav,wv";

constexpr int kMaxBrokenInARow = 256;

bool listed(const char* name, const char* list) { return av_match_list(name, list, ',') > 0; }

int refuse_to_open(AVFormatContext* /*context*/, AVIOContext** /*out*/, const char* /*url*/,
                   int /*flags*/, AVDictionary** /*options*/) {
  return AVERROR(EPERM);
}

int interrupted(void* opaque) {
  const auto* cancel = static_cast<const std::atomic<bool>*>(opaque);
  return cancel != nullptr && cancel->load() ? 1 : 0;
}

AVIOInterruptCB interrupt_on(const std::atomic<bool>* cancel) {
  return {interrupted, const_cast<std::atomic<bool>*>(cancel)};
}

class Dictionary {
 public:
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary() { av_dict_free(&entries_); }
  void set(const char* key, const std::string& value) {
    av_dict_set(&entries_, key, value.c_str(), 0);
  }
  AVDictionary** get() { return &entries_; }

 private:
  AVDictionary* entries_ = nullptr;
};

Status check_container(const AVInputFormat& format, const std::string& name) {
  if (listed(format.name, kContainers)) return {};
  if (listed(format.name, kAudioOnly)) {
    return unsupported(name + ": has no video stream (" + format.name + " audio)");
  }
  return unsupported(name + ": is not a supported video (expected a container that holds its " +
                     "pictures itself, got '" + format.name + "')");
}

}  // namespace

Status Container::problem(int code, const char* what) const {
  const std::string reason = name_ + ": " + what + " (" + ffmpeg_error(code) + ")";
  if (code == AVERROR_EXIT || interrupted(const_cast<std::atomic<bool>*>(cancel_)) != 0) {
    return cancelled(name_ + ": stopped");
  }
  if (bytes_ != nullptr && bytes_->error() != 0) {
    return io_error(name_ + ": cannot be read (" + ffmpeg_error(AVERROR(bytes_->error())) + ")");
  }
  if (code == AVERROR(ENOMEM)) return resource_limit(reason);
  if (code == AVERROR(EPERM)) return unsupported(name_ + ": refers to other files");
  if (code == AVERROR_PATCHWELCOME || code == AVERROR(ENOSYS)) return unsupported(reason);
  if (bytes_ == nullptr) return io_error(reason);
  return corrupt(reason);
}

Result<Container> Container::open(std::unique_ptr<ByteSource> bytes, std::string name,
                                  const OpenOptions& options) {
  silence_ffmpeg();
  if (bytes->size() == 0) return corrupt(name + ": is empty (expected a video)");
  Container self;
  self.name_ = std::move(name);
  self.bytes_ = std::move(bytes);
  self.cancel_ = options.cancel;
  self.avio_ = make_avio(*self.bytes_);

  // By content alone: the file name must not decide which demuxer runs.
  const AVInputFormat* format = nullptr;
  const int probed = av_probe_input_buffer2(self.avio_.get(), &format, "", nullptr, 0, 0);
  if (probed < 0 || format == nullptr) {
    if (self.bytes_->cancelled() || self.bytes_->error() != 0) {
      return self.problem(probed, "cannot be read");
    }
    if (!self.bytes_->seekable() && self.bytes_->position() == 0) {
      return corrupt(self.name_ + ": is empty (expected a video)");
    }
    return unsupported(self.name_ + ": is not a video (unknown container)");
  }
  MIEN_RETURN_IF_ERROR(check_container(*format, self.name_));

  AVFormatContext* context = avformat_alloc_context();
  MIEN_CHECK(context != nullptr);
  context->pb = self.avio_.get();
  context->io_open = refuse_to_open;
  context->interrupt_callback = interrupt_on(options.cancel);
  Dictionary settings;
  settings.set("protocol_whitelist", "none");
  settings.set("format_whitelist", kContainers);
  const int opened = avformat_open_input(&context, "", format, settings.get());
  if (opened < 0) {  // FFmpeg has freed `context`
    const bool no_index = !self.bytes_->seekable() && opened == AVERROR_INVALIDDATA;
    const bool mp4 = no_index && listed("mp4", format->name);
    return self.problem(opened,
                        mp4 ? "is damaged, or has its index at the end, which cannot be read from "
                              "a pipe (expected the file itself, or one laid out for "
                              "streaming: ffmpeg -i IN -c copy -movflags faststart OUT.mp4)"
                        : no_index ? "is damaged, or not suitable for streaming"
                                   : "is damaged or cut short");
  }
  self.context_.reset(context);
  MIEN_RETURN_IF_ERROR(self.read_stream_headers(options));
  return self;
}

Result<Container> Container::open_device(const AVInputFormat* format, const std::string& device,
                                         const OpenOptions& options) {
  Container self;
  self.name_ = device;
  self.cancel_ = options.cancel;
  AVFormatContext* context = avformat_alloc_context();
  MIEN_CHECK(context != nullptr);
  context->interrupt_callback = interrupt_on(options.cancel);
  const int opened = avformat_open_input(&context, device.c_str(), format, nullptr);
  if (opened == AVERROR(ENODEV) || opened == AVERROR(ENOTTY) || opened == AVERROR(EINVAL)) {
    return unsupported(device + ": is not a camera (" + ffmpeg_error(opened) + ")");
  }
  if (opened < 0) return self.problem(opened, "cannot be opened");
  self.context_.reset(context);
  MIEN_RETURN_IF_ERROR(self.read_stream_headers(options));
  context->flags |= AVFMT_FLAG_NONBLOCK;
  return self;
}

// Decoders that run while headers are read also get our size limit.
Status Container::read_stream_headers(const OpenOptions& options) {
  std::vector<AVDictionary*> settings(context_->nb_streams, nullptr);
  for (auto& entries : settings) {
    av_dict_set_int(&entries, "max_pixels", decoder_pixel_limit(options.limits), 0);
  }
  const int code = avformat_find_stream_info(context_.get(), settings.data());
  for (auto& entries : settings) av_dict_free(&entries);
  if (code == AVERROR_EXIT || (bytes_ != nullptr && bytes_->error() != 0)) {
    return problem(code, "cannot be read");
  }
  if (code < 0 && context_->nb_streams == 0) return problem(code, "has no readable stream");
  return {};
}

int Container::find_video() const {
  const auto usable = [&](int i) {
    const AVStream& stream = *context_->streams[i];
    return stream.codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           (stream.disposition & AV_DISPOSITION_ATTACHED_PIC) == 0;
  };
  const int best = av_find_best_stream(context_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (best >= 0 && usable(best)) return best;
  for (int i = 0; i < static_cast<int>(context_->nb_streams); ++i) {
    if (usable(i)) return i;
  }
  return -1;
}

int Container::find_audio(int related_to) const {
  return std::max(
      -1, av_find_best_stream(context_.get(), AVMEDIA_TYPE_AUDIO, -1, related_to, nullptr, 0));
}

void Container::select(int stream) {
  for (int i = 0; i < static_cast<int>(context_->nb_streams); ++i) {
    context_->streams[i]->discard = i == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
}

Result<Container::Read> Container::read(AVPacket& packet) {
  av_packet_unref(&packet);
  const int code = av_read_frame(context_.get(), &packet);
  if (code >= 0) {
    broken_in_a_row_ = 0;
    return Read::kPacket;
  }
  if (bytes_ != nullptr && bytes_->error() != 0) return problem(code, "cannot be read");
  if (code == AVERROR_EXIT || interrupted(const_cast<std::atomic<bool>*>(cancel_)) != 0) {
    return problem(AVERROR_EXIT, "stopped");
  }
  if (code == AVERROR(EAGAIN)) return Read::kAgain;
  if (code == AVERROR_EOF) return Read::kEnd;
  if (bytes_ == nullptr) return problem(code, "cannot be read");
  const bool over = avio_feof(context_->pb) != 0 || ++broken_in_a_row_ > kMaxBrokenInARow;
  return over ? Read::kEnd : Read::kBroken;
}

std::unique_ptr<ByteSource> Container::take_bytes() {
  MIEN_CHECK(seekable());
  context_.reset();
  avio_.reset();
  bytes_->seek(0);
  return std::move(bytes_);
}

}  // namespace mien::video
