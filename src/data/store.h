#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/video/source.h"

namespace mien::data {

/// The files of a data set by name, from a folder, or from an uncompressed tar that is read in
/// place. Threads: const member functions are safe from several threads.
class Store {
 public:
  virtual ~Store() = default;

  /// Errors: kNotFound, kIo, those of parse_tar.
  static Result<std::shared_ptr<const Store>> open(const std::filesystem::path& path,
                                                   const Limits& limits = {});

  /// The whole file `name`, at most limits.max_image_bytes. Errors: kNotFound, kIo, kResourceLimit;
  /// kInvalidArgument for a name that leaves the store ("..", absolute).
  virtual Result<std::vector<std::byte>> read(std::string_view name) const = 0;
  virtual bool contains(std::string_view name) const = 0;
  /// A video file of the store, which it must outlive. Errors: those of video::open_file;
  /// kUnsupported where there are none.
  virtual Result<std::unique_ptr<video::VideoSource>> open_video(std::string_view name,
                                                                 const Limits& limits) const;
  /// Names of the files right inside `folder`, as plain strings sorted; none when there is no such
  /// folder. Errors: kIo if it cannot be listed completely.
  virtual Result<std::vector<std::string>> list(std::string_view folder) const = 0;
  /// The same for the folders right inside `folder`.
  virtual Result<std::vector<std::string>> list_folders(std::string_view folder) const = 0;
};

}  // namespace mien::data
