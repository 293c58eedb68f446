#include <algorithm>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>

#include "mien/video/source.h"

namespace mien::video {
namespace {

/// The frames of another source whose times are in a given interval.
class StretchSource : public VideoSource {
 public:
  StretchSource(std::unique_ptr<VideoSource> source, std::string name, const Stretch& stretch)
      : source_(std::move(source)), name_(std::move(name)), stretch_(stretch) {
    info_ = source_->info();
    info_.part = true;
    if (info_.seconds <= 0) return;
    const double end = info_.start + info_.seconds;
    const double from = std::max(info_.start, static_cast<double>(stretch_.from_us) / 1e6);
    const double to = std::min(end, static_cast<double>(stretch_.to_us) / 1e6);
    const double share = std::clamp((to - from) / info_.seconds, 0.0, 1.0);
    info_.frames = static_cast<std::int64_t>(static_cast<double>(info_.frames) * share);
    info_.start = from;
    info_.seconds *= share;
  }

  const ClipInfo& info() const override { return info_; }
  std::int64_t corrupt_frames() const override { return source_->corrupt_frames(); }
  std::optional<CutShort> cut_short() const override {
    return ended_ ? std::nullopt : source_->cut_short();
  }
  Result<std::optional<Frame>> next() override { return next_if(nullptr); }

  Result<std::optional<Frame>> next_if(const Wanted& wanted) override {
    MIEN_RETURN_IF_ERROR(begin());
    while (!ended_) {
      MIEN_ASSIGN_OR_RETURN(std::optional<Frame> frame, source_->next_if([&](const Frame& next) {
        return inside(next.timestamp_us) && (!wanted || wanted(next));
      }));
      if (!frame) break;
      last_us_ = frame->timestamp_us;
      if (frame->timestamp_us < stretch_.from_us) continue;
      if (frame->timestamp_us >= stretch_.to_us) {
        ended_ = true;
        break;
      }
      any_ = true;
      return frame;
    }
    if (any_) return std::optional<Frame>();
    return invalid_argument(name_ + ": has no frames in the requested time " + expectation());
  }

  Status seek(std::int64_t timestamp_us) override {
    begun_ = true;
    ended_ = false;
    return source_->seek(std::max(timestamp_us, stretch_.from_us));
  }

  Result<std::vector<std::int64_t>> timestamps() override {
    MIEN_ASSIGN_OR_RETURN(std::vector<std::int64_t> times, source_->timestamps());
    std::erase_if(times, [this](std::int64_t time) { return !inside(time); });
    begun_ = false;
    return times;
  }

 private:
  bool inside(std::int64_t time_us) const {
    return time_us >= stretch_.from_us && time_us < stretch_.to_us;
  }

  // Live sources are read up to the start.
  Status begin() {
    if (std::exchange(begun_, true) || stretch_.from_us <= 0 || info_.live) return {};
    return source_->seek(stretch_.from_us);
  }

  std::string expectation() const {
    char text[96];
    if (last_us_ < stretch_.from_us) {
      std::snprintf(text, sizeof text, "(expected a start of at most %.3f s, got %.3f s)",
                    static_cast<double>(last_us_) / 1e6,
                    static_cast<double>(stretch_.from_us) / 1e6);
    } else {
      std::snprintf(text, sizeof text, "(expected an end after %.3f s, got %.3f s)",
                    static_cast<double>(last_us_) / 1e6, static_cast<double>(stretch_.to_us) / 1e6);
    }
    return text;
  }

  std::unique_ptr<VideoSource> source_;
  std::string name_;
  Stretch stretch_;
  ClipInfo info_;
  std::int64_t last_us_ = 0;
  bool begun_ = false;
  bool any_ = false;
  bool ended_ = false;  ///< by the end of the interval, not of the clip
};

}  // namespace

std::unique_ptr<VideoSource> limit_to(std::unique_ptr<VideoSource> source, std::string name,
                                      const Stretch& stretch) {
  if (stretch.from_us <= 0 && stretch.to_us == Stretch{}.to_us) return source;
  return std::make_unique<StretchSource>(std::move(source), std::move(name), stretch);
}

}  // namespace mien::video
