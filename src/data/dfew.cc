// DFEW (Jiang et al., ACM MM 2020): clips of films, 7 classes, 5 folds.

#include <fmt/format.h>

#include "data/readers.h"

namespace mien::data {
namespace {

// The data set's own CSV: video_name,label with labels from 1.
Result<std::vector<ClipLine>> parse_official(const DatasetFiles& files, const std::string& name) {
  const std::string subject = files.subject(name);
  MIEN_ASSIGN_OR_RETURN(const CsvTable table, files.csv(name));
  MIEN_ASSIGN_OR_RETURN(const auto video, require_column(table, "video_name", subject));
  MIEN_ASSIGN_OR_RETURN(const auto label, require_column(table, "label", subject));
  std::vector<ClipLine> out;
  for (const CsvRow& row : table.rows) {
    const std::string where = fmt::format("{}:{}", subject, row.line);
    MIEN_ASSIGN_OR_RETURN(const int from_one, parse_label(row.cells[label], 1, 7, where));
    const std::string number = path_tail(row.cells[video], 1);
    const auto value = parse_integer(number.substr(0, number.find('.')));
    if (!value || *value < 0) {
      return corrupt(fmt::format("{}: video_name '{}' (expected a number)", where, number));
    }
    out.push_back({.line = row.line, .path = fmt::format("{:05}", *value), .label = from_one - 1});
  }
  return out;
}

}  // namespace

Result<Manifest> read_dfew(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "dfew", .classes = clip_classes()};
  MIEN_ASSIGN_OR_RETURN(
      const std::string folder,
      files.picture_folder(options, {"DFEW_Frame_Face", "Clip/clip_224x224", "clip_224x224"}));
  SampleSink sink(files, options, out);
  for (const std::string& split : wanted_splits(options, {"train", "test"})) {
    const std::string list = fmt::format("DFEW_set_{}_{}.txt", options.fold, split);
    const std::string table = fmt::format("set_{}.csv", options.fold);
    MIEN_ASSIGN_OR_RETURN(
        const std::string name,
        files.first_file({list, "annotation/" + list,
                          fmt::format("set_{}_{}.txt", options.fold, split),
                          fmt::format("EmoLabel_DataSplit/{}/{}", split, table),
                          fmt::format("EmoLabel_DataSplit/{}(single-labeled)/{}", split, table)}));
    std::vector<ClipLine> lines;
    if (name.ends_with(".csv")) {
      MIEN_ASSIGN_OR_RETURN(lines, parse_official(files, name));
    } else {
      MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
      MIEN_ASSIGN_OR_RETURN(lines, parse_clip_list(text, files.subject(name), out.classes.size()));
    }
    for (const ClipLine& line : lines) {
      const std::string id = path_tail(line.path, 1);
      MIEN_RETURN_IF_ERROR(sink.add_clip({.id = id, .labels = {line.label}, .split = split},
                                         fmt::format("{}/{}", folder, id), line.frames,
                                         fmt::format("{}:{}", files.subject(name), line.line)));
    }
  }
  sink.finish();
  return out;
}

}  // namespace mien::data
