#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "core/natural_order.h"
#include "mien/image/decode.h"
#include "mien/video/source.h"

namespace mien::video {
namespace {

namespace fs = std::filesystem;

// macOS leaves "._one.jpg" beside "one.jpg" on foreign disks.
bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

/// The pictures of a folder as a clip with a constant frame rate.
class FolderSource : public VideoSource {
 public:
  FolderSource(fs::path folder, std::vector<std::string> names, const OpenOptions& options)
      : folder_(std::move(folder)),
        names_(std::move(names)),
        states_(names_.size(), State::kUnknown),
        options_(options) {
    info_.fps = options.folder_fps;
    info_.clock = options.clock;
    info_.frames = static_cast<std::int64_t>(names_.size());
    info_.seconds = static_cast<double>(names_.size()) / options.folder_fps;
  }

  /// Reads up to the first good picture, whose size is that of the clip.
  Status prepare() {
    MIEN_RETURN_IF_ERROR(fill());
    if (pending_) {
      info_.width = pending_->image.width();
      info_.height = pending_->image.height();
    }
    return {};
  }

  const ClipInfo& info() const override { return info_; }
  std::int64_t corrupt_frames() const override { return corrupt_; }

  Result<std::optional<Frame>> next() override {
    MIEN_RETURN_IF_ERROR(fill());
    if (!pending_ && good_ == 0) {
      return corrupt(folder_.string() + ": no picture could be decoded (" +
                     std::to_string(corrupt_) + " broken)");
    }
    return std::exchange(pending_, std::nullopt);
  }

  Status seek(std::int64_t timestamp_us) override {
    pending_.reset();
    const auto after = [&](std::size_t index) { return time_of(index) > timestamp_us; };
    std::size_t index = 0;
    std::size_t end = names_.size();
    while (end - index > 1) {  // last index at or before the time
      const std::size_t middle = index + (end - index) / 2;
      (after(middle) ? end : index) = middle;
    }
    for (std::size_t i = index + 1; i-- > 0 && !pending_;) {
      MIEN_RETURN_IF_ERROR(load(i));
      place_ = i + 1;
    }
    return {};
  }

  Result<std::vector<std::int64_t>> timestamps() override {
    std::vector<std::int64_t> times(names_.size());
    for (std::size_t i = 0; i < times.size(); ++i) times[i] = time_of(i);
    pending_.reset();
    place_ = 0;
    return times;
  }

 private:
  enum class State : std::uint8_t { kUnknown, kGood, kBroken };

  std::int64_t time_of(std::size_t index) const {
    return std::llround(static_cast<double>(index) * 1e6 / options_.folder_fps);
  }

  Status fill() {
    while (!pending_ && place_ < names_.size()) MIEN_RETURN_IF_ERROR(load(place_++));
    return {};
  }

  // Loads one picture into `pending_`; a broken one is counted only the first time.
  Status load(std::size_t index) {
    if (options_.cancel != nullptr && options_.cancel->load()) {
      return cancelled(folder_.string() + ": stopped");
    }
    if (states_[index] == State::kBroken) return {};
    const std::int64_t time = time_of(index);
    if (static_cast<double>(time) > options_.limits.max_seconds * 1e6) {
      return resource_limit(folder_.string() + ": clip is too long (expected at most " +
                            std::to_string(options_.limits.max_seconds) + " s)");
    }
    auto picture = image::load(folder_ / names_[index], options_.limits);
    if (!picture.ok()) {
      states_[index] = State::kBroken;
      ++corrupt_;
      log_to(options_.log, LogLevel::kWarning, picture.status().message());
      return {};
    }
    if (std::exchange(states_[index], State::kGood) != State::kGood) ++good_;
    const auto broken_before = std::count(
        states_.begin(), states_.begin() + static_cast<std::ptrdiff_t>(index), State::kBroken);
    pending_ = Frame{std::move(picture).value(), static_cast<std::int64_t>(index) - broken_before,
                     time, time_of(index + 1) - time};
    return {};
  }

  fs::path folder_;
  std::vector<std::string> names_;
  std::vector<State> states_;
  OpenOptions options_;
  ClipInfo info_;
  std::optional<Frame> pending_;
  std::size_t place_ = 0;  ///< of the next picture to load
  std::int64_t good_ = 0;
  std::int64_t corrupt_ = 0;
};

}  // namespace

Result<std::unique_ptr<VideoSource>> open_folder(const std::filesystem::path& path,
                                                 const OpenOptions& options) {
  if (!std::isfinite(options.folder_fps) || options.folder_fps < 1e-3 || options.folder_fps > 1e5) {
    return invalid_argument(path.string() + ": bad frame rate (expected 0.001..100000, got " +
                            std::to_string(options.folder_fps) + ")");
  }
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found)
    return not_found(path.string() + ": no such folder");
  if (!fs::is_directory(status)) return invalid_argument(path.string() + ": is not a folder");
  std::vector<std::string> names;
  fs::directory_iterator entry(path, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    std::error_code ignored;
    if (is_hidden(entry->path()) || !image::has_image_extension(entry->path()) ||
        !entry->is_regular_file(ignored))
      continue;
    if (names.size() >= options.limits.max_frames) {
      return resource_limit(path.string() + ": too many pictures (expected at most " +
                            std::to_string(options.limits.max_frames) + ")");
    }
    names.push_back(entry->path().filename().string());
  }
  if (error) return io_error(path.string() + ": cannot be listed (" + error.message() + ")");
  if (names.empty()) return invalid_argument(path.string() + ": has no picture inside");
  std::sort(names.begin(), names.end(), natural_less);
  auto source = std::make_unique<FolderSource>(path, std::move(names), options);
  MIEN_RETURN_IF_ERROR(source->prepare());
  return source;
}

}  // namespace mien::video
