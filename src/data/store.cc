#include "data/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "core/file.h"
#include "core/tar.h"

namespace mien::data {
namespace {

namespace fs = std::filesystem;

Status check_name(std::string_view name) {
  const fs::path path(name);
  const bool leaves =
      std::any_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
  if (name.empty() || path.is_absolute() || leaves) {
    return invalid_argument(fmt::format("'{}': not a name inside the data set", name));
  }
  return {};
}

video::OpenOptions video_options(const Limits& limits) {
  video::OpenOptions out;
  out.limits = limits;
  return out;
}

class FolderStore : public Store {
 public:
  FolderStore(fs::path root, const Limits& limits) : root_(std::move(root)), limits_(limits) {}

  Result<std::vector<std::byte>> read(std::string_view name) const override {
    MIEN_RETURN_IF_ERROR(check_name(name));
    return read_file(root_ / name, limits_.max_image_bytes);
  }
  bool contains(std::string_view name) const override {
    std::error_code error;
    return check_name(name).ok() && fs::is_regular_file(root_ / name, error);
  }
  Result<std::unique_ptr<video::VideoSource>> open_video(std::string_view name,
                                                         const Limits& limits) const override {
    MIEN_RETURN_IF_ERROR(check_name(name));
    return video::open_file(root_ / name, video_options(limits));
  }
  Result<std::vector<std::string>> list(std::string_view folder) const override {
    return entries(folder, fs::file_type::regular);
  }
  Result<std::vector<std::string>> list_folders(std::string_view folder) const override {
    return entries(folder, fs::file_type::directory);
  }

 private:
  Result<std::vector<std::string>> entries(std::string_view folder, fs::file_type type) const {
    std::vector<std::string> out;
    std::error_code error;
    if (!check_name(folder).ok() || !fs::is_directory(root_ / folder, error)) return out;
    for (fs::directory_iterator it(root_ / folder, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code of_entry;
      if (it->status(of_entry).type() == type) {
        out.push_back((fs::path(folder) / it->path().filename()).generic_string());
      }
    }
    // A partial listing would silently be a part of the data.
    if (error) {
      return io_error(fmt::format("{}: cannot be listed completely ({})",
                                  (root_ / folder).generic_string(), error.message()));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  fs::path root_;
  Limits limits_;
};

class TarStore : public Store {
 public:
  TarStore(std::shared_ptr<const MappedFile> file, const std::vector<TarEntry>& entries,
           const Limits& limits)
      : file_(std::move(file)), limits_(limits) {
    for (const TarEntry& entry : entries) {
      const bool dotted = entry.name.starts_with("./");
      entries_.insert_or_assign(dotted ? entry.name.substr(2) : entry.name, entry.bytes);
    }
  }

  Result<std::vector<std::byte>> read(std::string_view name) const override {
    const auto it = entries_.find(name);
    if (it == entries_.end()) return not_found(std::string(name) + ": not in the archive");
    if (it->second.size() > limits_.max_image_bytes) {
      return resource_limit(std::string(name) + ": larger than the limit for a picture");
    }
    return std::vector<std::byte>(it->second.begin(), it->second.end());
  }
  bool contains(std::string_view name) const override { return entries_.contains(name); }
  Result<std::unique_ptr<video::VideoSource>> open_video(std::string_view name,
                                                         const Limits& limits) const override {
    const auto it = entries_.find(name);
    if (it == entries_.end()) return not_found(std::string(name) + ": not in the archive");
    return video::open_memory(it->second, video_options(limits));
  }
  Result<std::vector<std::string>> list(std::string_view folder) const override {
    std::string prefix(folder);
    prefix += '/';
    std::vector<std::string> out;
    for (auto it = entries_.lower_bound(prefix);
         it != entries_.end() && it->first.starts_with(prefix); ++it) {
      if (it->first.find('/', prefix.size()) == std::string::npos) out.push_back(it->first);
    }
    return out;
  }
  Result<std::vector<std::string>> list_folders(std::string_view folder) const override {
    std::string prefix(folder);
    prefix += '/';
    std::vector<std::string> out;
    for (auto it = entries_.lower_bound(prefix);
         it != entries_.end() && it->first.starts_with(prefix); ++it) {
      const std::size_t slash = it->first.find('/', prefix.size());
      if (slash == std::string::npos) continue;
      std::string name = it->first.substr(0, slash);
      // Not always neighbours: "a", "a.txt" and "a/b" sort in this order.
      if (out.empty() || out.back() != name) out.push_back(std::move(name));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
  }

 private:
  std::shared_ptr<const MappedFile> file_;
  Limits limits_;
  std::map<std::string, std::span<const std::byte>, std::less<>> entries_;
};

}  // namespace

Result<std::unique_ptr<video::VideoSource>> Store::open_video(std::string_view name,
                                                              const Limits&) const {
  return unsupported(fmt::format("{}: videos are not supported in this data set", name));
}

Result<std::shared_ptr<const Store>> Store::open(const fs::path& path, const Limits& limits) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return std::shared_ptr<const Store>(std::make_shared<FolderStore>(path, limits));
  }
  MIEN_ASSIGN_OR_RETURN(auto file, MappedFile::open(path));
  Limits tar_limits = limits;
  tar_limits.max_tensors = limits.max_frames;  // entries of an archive of pictures
  MIEN_ASSIGN_OR_RETURN(const auto entries, parse_tar(file->bytes(), path.string(), tar_limits));
  return std::shared_ptr<const Store>(std::make_shared<TarStore>(std::move(file), entries, limits));
}

}  // namespace mien::data
