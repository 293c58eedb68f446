// RAF-DB, basic set (Li et al., CVPR 2017): aligned faces in the wild, 7 classes.

#include <fmt/format.h>

#include "data/readers.h"
#include "data/store.h"

namespace mien::data {
namespace {

// "train_00001.jpg" -> "train_00001_aligned.jpg"
std::string aligned(const std::string& file) {
  const std::size_t dot = std::min(file.rfind('.'), file.size());
  return fmt::format("{}_aligned{}", file.substr(0, dot), file.substr(dot));
}

struct Line {
  std::string file;
  int label = 0;
};
Result<Line> parse_line(std::string_view text, int low, std::string_view where) {
  const auto fields = split_fields(text, ' ');
  if (fields.size() != 2 || fields[0].empty()) {
    return corrupt(fmt::format("{}: '{}' (expected a picture and a label with one space between)",
                               where, text));
  }
  MIEN_ASSIGN_OR_RETURN(const int label, parse_label(fields[1], low, low + 6, where));
  return Line{std::string(fields[0]), label - low};
}

// The data set's own list: both splits in one file, named by the prefix; labels from 1.
Status add_official(const DatasetFiles& files, const DatasetOptions& options,
                    const std::string& name, SampleSink& sink) {
  MIEN_ASSIGN_OR_RETURN(
      const std::string folder,
      files.picture_folder(options, {"Image/aligned", "basic/Image/aligned", "aligned"}));
  MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
  for (const auto& [number, content] : split_lines(text)) {
    const std::string where = fmt::format("{}:{}", files.subject(name), number);
    MIEN_ASSIGN_OR_RETURN(const Line line, parse_line(content, 1, where));
    const std::string split = line.file.substr(0, std::min(line.file.find('_'), line.file.size()));
    if (split != "train" && split != "test") {
      return corrupt(
          fmt::format("{}: picture '{}' (expected train_... or test_...)", where, line.file));
    }
    if (!options.split.empty() && split != options.split) continue;
    MIEN_RETURN_IF_ERROR(sink.add_picture(
        {.id = line.file.substr(0, line.file.rfind('.')), .labels = {line.label}, .split = split},
        fmt::format("{}/{}", folder, aligned(line.file)), where));
  }
  return {};
}

}  // namespace

Result<Manifest> read_rafdb(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{
      .name = "rafdb",
      .classes = {"surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral"}};
  SampleSink sink(files, options, out);
  for (const std::string_view name : {"train_label.txt", "test_label.txt"}) {
    // E2N-FER's lists: paths below Image/, labels from 0.
    const std::string split(name.substr(0, name.find('_')));
    if (!files.store()->contains(name)) continue;
    if (!options.split.empty() && split != options.split) continue;
    MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(std::string(name)));
    for (const auto& [number, content] : split_lines(text)) {
      const std::string where = fmt::format("{}:{}", files.subject(name), number);
      MIEN_ASSIGN_OR_RETURN(const Line line, parse_line(content, 0, where));
      const std::string folder = options.pictures.empty() ? "Image" : options.pictures;
      MIEN_RETURN_IF_ERROR(
          sink.add_picture({.id = line.file, .labels = {line.label}, .split = split},
                           fmt::format("{}/{}", folder, line.file), where));
    }
  }
  if (!out.samples.empty() || !out.missing.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(
      const std::string name,
      files.first_file({"list_patition_label.txt", "EmoLabel/list_patition_label.txt",
                        "basic/EmoLabel/list_patition_label.txt"}));
  MIEN_RETURN_IF_ERROR(add_official(files, options, name, sink));
  return out;
}

}  // namespace mien::data
