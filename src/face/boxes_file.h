#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/face/finder.h"
#include "mien/image/image.h"

namespace mien::face {

/// Face boxes from a CSV file. Its header names the columns x, y, w, h and at least one of path and
/// frame, in any order and among others. Four empty sizes mean that a picture has no face. Fields
/// may be quoted as in RFC 4180. If no box of the file is larger than 1, boxes are shares of the
/// picture, otherwise pixels. Threads: const member functions are safe from several threads.
class BoxesFile {
 public:
  /// Errors: kNotFound, kIo, kCorrupt naming file and line, kResourceLimit for a giant file.
  static Result<BoxesFile> load(const std::filesystem::path& path);
  static Result<BoxesFile> parse(std::string_view text, std::string_view subject);
  /// The same from memory, in pixels. Errors: kInvalidArgument naming the row.
  static Result<BoxesFile> from(std::span<const GivenBox> boxes);

  /// Boxes of the picture `name`, in its pixels: rows whose path equals it or is its end (in whole
  /// components), otherwise rows with the same file name if no two paths of the file share it.
  /// `frame`: only rows of that frame; rows without a frame number apply to all. Errors: kNotFound
  /// when no row is for `name`; kInvalidArgument naming file, line and range for a box of which
  /// less than half lies in the picture.
  Result<std::vector<image::Box>> find(const std::string& name, std::optional<std::int64_t> frame,
                                       int width, int height) const;

 private:
  struct Row {
    std::optional<std::int64_t> frame;
    std::optional<image::Box> box;
    std::size_t line = 0;
  };
  void add(const std::string& path, const Row& row);
  const std::vector<Row>* rows_of(const std::string& name) const;
  Status no_row(const std::string& name) const;

  std::string subject_;
  bool has_path_ = false;
  bool fractions_ = false;
  std::map<std::string, std::vector<Row>, std::less<>> rows_;          // by path
  std::map<std::string, std::string, std::less<>> path_of_file_name_;  // "" when not unique

  friend class BoxesParser;
};

}  // namespace mien::face
