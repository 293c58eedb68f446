#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/csv.h"
#include "data/registry.h"
#include "data/store.h"
#include "mien/core/status.h"

namespace mien::data {

/// The files of one published data set, for its reader.
class DatasetFiles {
 public:
  /// `path`: the folder, or its only file. Errors: kNotFound.
  static Result<DatasetFiles> open(const std::filesystem::path& path, const Limits& limits);

  const std::shared_ptr<const Store>& store() const { return store_; }
  const std::filesystem::path& folder() const { return folder_; }
  const Limits& limits() const { return limits_; }
  /// The name of the file `name` in messages.
  std::string subject(std::string_view name) const;

  /// The first of `names` that exists; the file that was opened comes before them.
  /// Errors: kNotFound naming them all.
  Result<std::string> first_file(const std::vector<std::string>& names) const;
  /// The first of `names` that is a folder with something in it. Errors: those of Store::list.
  Result<std::optional<std::string>> find_folder(const std::vector<std::string>& names) const;
  /// Like find_folder; options.pictures comes first. Errors: kNotFound naming them all.
  Result<std::string> picture_folder(const DatasetOptions& options,
                                     const std::vector<std::string>& names) const;

  Result<std::string> text(const std::string& name) const;
  Result<CsvTable> csv(const std::string& name) const;
  /// Pictures right inside `folder`, sorted by name. Errors: those of Store::list.
  Result<std::vector<std::string>> pictures(const std::string& folder) const;

 private:
  std::filesystem::path folder_;
  std::string only_file_;
  std::shared_ptr<const Store> store_;
  Limits limits_;
};

/// Adds samples to a manifest; samples without pictures are an error, or are listed in `missing`.
class SampleSink {
 public:
  SampleSink(const DatasetFiles& files, const DatasetOptions& options, Manifest& out)
      : files_(files), options_(options), out_(out) {}

  /// A clip whose frames are the pictures of `folder`. `listed`: the number of frames according to
  /// the annotation, or 0. `where`: "file:line".
  Status add_clip(Sample sample, const std::string& folder, std::int64_t listed,
                  std::string_view where);
  /// A picture. `where` as above.
  Status add_picture(Sample sample, const std::string& file, std::string_view where);
  /// Adds the notes to the manifest.
  void finish();

 private:
  Status missing(std::string message);
  const DatasetFiles& files_;
  const DatasetOptions& options_;
  Manifest& out_;
  std::int64_t other_counts_ = 0;
};

/// One line of a clip list: `path frames label` or, as HESP writes it, `path frames label Name`.
struct ClipLine {
  std::int64_t line = 0;
  std::string path = {};
  std::int64_t frames = 0;
  int label = 0;
  std::string name = {};
};
/// Errors: kCorrupt naming "subject:line" for other fields or a label outside 0..classes-1.
Result<std::vector<ClipLine>> parse_clip_list(std::string_view text, std::string_view subject,
                                              std::size_t classes);

/// The last `count` parts of a path of any system, joined by '/'; all when it has fewer.
std::string path_tail(std::string_view path, std::size_t count);
/// Pieces between separators; a trailing carriage return is dropped.
std::vector<std::string_view> split_fields(std::string_view line, char separator);
/// Lines with their numbers from 1; empty ones are left out.
std::vector<std::pair<std::int64_t, std::string_view>> split_lines(std::string_view text);
std::optional<std::int64_t> parse_integer(std::string_view text);
/// A number from `low` to `high`. Errors: kCorrupt, "where: what 'text' (expected low..high)".
Result<int> parse_label(std::string_view text, int low, int high, std::string_view where);
/// The index of the class that `word` means ("Happy" for "happiness"; case does not matter).
std::optional<int> find_class(std::string_view word, const std::vector<std::string>& classes);
/// Index of a column. Errors: kCorrupt naming the file and its columns.
Result<std::size_t> require_column(const CsvTable& table, std::string_view name,
                                   std::string_view subject);

/// The splits to read: the wanted one, or all.
std::vector<std::string> wanted_splits(const DatasetOptions& options,
                                       std::initializer_list<std::string_view> all);

/// happiness, sadness, neutral, anger, surprise, disgust, fear: the order of the clip lists.
const std::vector<std::string>& clip_classes();

}  // namespace mien::data
