#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "data/store.h"

namespace mien::data {

/// A store whose videos are read frame by frame, as pictures named "clip.mp4#12"; all other names
/// belong to the inner store. Frames are cheapest in ascending order; a few clips stay open.
class VideoStore final : public Store {
 public:
  VideoStore(std::shared_ptr<const Store> files, const Limits& limits)
      : files_(std::move(files)), limits_(limits) {}

  /// The names of all frames of a video. Errors: those of open_video and VideoSource::timestamps.
  Result<std::vector<std::string>> frames(const std::string& clip) const;

  /// A frame comes as a PPM. Errors: kNotFound for a frame that does not exist, kCorrupt for one
  /// that cannot be decoded; those of the store inside.
  Result<std::vector<std::byte>> read(std::string_view name) const override;
  bool contains(std::string_view name) const override;
  Result<std::unique_ptr<video::VideoSource>> open_video(std::string_view name,
                                                         const Limits& limits) const override {
    return files_->open_video(name, limits);
  }
  Result<std::vector<std::string>> list(std::string_view folder) const override {
    return files_->list(folder);
  }
  Result<std::vector<std::string>> list_folders(std::string_view folder) const override {
    return files_->list_folders(folder);
  }

 private:
  struct OpenClip {
    std::string name;
    std::unique_ptr<video::VideoSource> source;
    std::vector<std::int64_t> times_us;
    std::size_t next = 0;  ///< index into times_us of the next frame of the source
  };
  Result<OpenClip> take(std::string_view name) const;
  void put_back(OpenClip clip) const;
  static Result<image::Image> decode(OpenClip& clip, std::size_t index);

  std::shared_ptr<const Store> files_;
  Limits limits_;
  mutable std::mutex mutex_;
  mutable std::list<OpenClip> open_;  ///< clips that are not being read, most recent first
};

}  // namespace mien::data
