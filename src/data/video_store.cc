#include "data/video_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace mien::data {
namespace {

constexpr std::size_t kMaxOpen = 8;
// Up to this distance decoding onwards is cheaper than a seek, which starts at the previous key
// frame.
constexpr std::size_t kReadOn = 32;

struct FrameName {
  std::string_view clip;
  std::size_t index = 0;
};

std::optional<FrameName> parse_frame(std::string_view name) {
  const std::size_t hash = name.rfind('#');
  if (hash == std::string_view::npos || !video::has_video_extension(name.substr(0, hash))) {
    return std::nullopt;
  }
  FrameName out{.clip = name.substr(0, hash)};
  const auto [end, error] =
      std::from_chars(name.data() + hash + 1, name.data() + name.size(), out.index);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return out;
}

std::vector<std::byte> to_ppm(const image::Image& picture) {
  const std::string head = fmt::format("P6 {} {} 255\n", picture.width(), picture.height());
  std::vector<std::byte> out(head.size() + picture.pixels().size());
  std::memcpy(out.data(), head.data(), head.size());
  std::memcpy(out.data() + head.size(), picture.pixels().data(), picture.pixels().size());
  return out;
}

}  // namespace

Result<VideoStore::OpenClip> VideoStore::take(std::string_view name) const {
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::find_if(open_.begin(), open_.end(),
                                 [&](const OpenClip& clip) { return clip.name == name; });
    if (it != open_.end()) {
      OpenClip out = std::move(*it);
      open_.erase(it);
      return out;
    }
  }
  OpenClip out;
  out.name = std::string(name);
  MIEN_ASSIGN_OR_RETURN(out.source, files_->open_video(name, limits_));
  MIEN_ASSIGN_OR_RETURN(out.times_us, out.source->timestamps());
  return out;
}

void VideoStore::put_back(OpenClip clip) const {
  const std::lock_guard lock(mutex_);
  open_.push_front(std::move(clip));
  if (open_.size() > kMaxOpen) open_.pop_back();
}

Result<std::vector<std::string>> VideoStore::frames(const std::string& clip) const {
  MIEN_ASSIGN_OR_RETURN(OpenClip open, take(clip));
  std::vector<std::string> out;
  for (std::size_t i = 0; i < open.times_us.size(); ++i)
    out.push_back(fmt::format("{}#{}", clip, i));
  put_back(std::move(open));
  return out;
}

Result<image::Image> VideoStore::decode(OpenClip& clip, std::size_t index) {
  const std::int64_t wanted_us = clip.times_us[index];
  if (index < clip.next || index > clip.next + kReadOn) {
    MIEN_RETURN_IF_ERROR(clip.source->seek(wanted_us));
  }
  // The decoder skips a broken frame and returns a later one, so the position is unknown then.
  clip.next = clip.times_us.size() + 1;
  for (;;) {
    MIEN_ASSIGN_OR_RETURN(std::optional<video::Frame> frame, clip.source->next());
    if (!frame || frame->timestamp_us > wanted_us) {
      return corrupt(fmt::format("frame {} cannot be decoded", index));
    }
    if (frame->timestamp_us == wanted_us) {
      clip.next = index + 1;
      return std::move(frame->image);
    }
  }
}

Result<std::vector<std::byte>> VideoStore::read(std::string_view name) const {
  const auto frame = parse_frame(name);
  if (!frame) return files_->read(name);
  MIEN_ASSIGN_OR_RETURN(OpenClip clip, take(frame->clip));
  if (frame->index >= clip.times_us.size()) {
    return not_found(fmt::format("{}: has {} frames", frame->clip, clip.times_us.size()));
  }
  auto picture = decode(clip, frame->index);
  put_back(std::move(clip));
  if (!picture.ok()) return picture.status();
  return to_ppm(*picture);
}

bool VideoStore::contains(std::string_view name) const {
  const auto frame = parse_frame(name);
  return files_->contains(frame ? frame->clip : name);
}

}  // namespace mien::data
