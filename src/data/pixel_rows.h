#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"
#include "data/store.h"
#include "mien/core/limits.h"

namespace mien::data {

/// One line of FER2013's CSV; `pixels` points into the mapped file.
struct PixelRow {
  std::int64_t line = 0;
  std::string_view emotion = {};
  std::string_view usage = {};
  std::string_view pixels = {};
};

/// The rows of FER2013's CSV (`emotion,pixels,Usage` in any order), mapped, not copied.
struct PixelRows {
  std::shared_ptr<const MappedFile> file;
  std::vector<PixelRow> rows;

  /// Errors: kNotFound, kIo; kCorrupt naming file and line for a missing column or cell.
  static Result<PixelRows> open(const std::filesystem::path& path);
};

/// Pictures that are rows of such a CSV: "fer0000012.pgm" is row 12 from 0, made when it is read.
/// Shape: 48 x 48 grey, binary PGM. Errors of read: kCorrupt naming file and line unless there are
/// 2,304 numbers from 0 to 255. Threads: const member functions are safe from several threads.
class PixelStore final : public Store {
 public:
  PixelStore(PixelRows rows, std::string subject)
      : rows_(std::move(rows)), subject_(std::move(subject)) {}

  static std::string name_of(std::size_t row);
  Result<std::vector<std::byte>> read(std::string_view name) const override;
  bool contains(std::string_view name) const override;
  Result<std::vector<std::string>> list(std::string_view folder) const override;
  Result<std::vector<std::string>> list_folders(std::string_view folder) const override;

 private:
  PixelRows rows_;
  std::string subject_;
};

/// "train", "val", "test" for Training, PublicTest, PrivateTest. Errors: kCorrupt.
Result<std::string> split_of_usage(std::string_view usage, std::string_view where);

}  // namespace mien::data
