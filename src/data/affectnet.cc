// AffectNet, manually annotated part (Mollahosseini et al., 2017): faces in the wild, 8 classes,
// valence and arousal.

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "data/readers.h"

namespace mien::data {
namespace {

const std::vector<std::string> kAffectnetClasses = {"neutral", "happiness", "sadness", "surprise",
                                                    "fear",    "disgust",   "anger",   "contempt"};
constexpr int kLast = 10;  // 8 none, 9 uncertain, 10 no face: pictures without a label

struct AffectnetColumns {
  std::size_t path = 0;
  std::size_t expression = 0;
  std::size_t valence = 0;
  std::size_t arousal = 0;
};

Result<AffectnetColumns> find_affectnet_columns(const CsvTable& table, std::string_view subject) {
  AffectnetColumns out;
  MIEN_ASSIGN_OR_RETURN(out.path, require_column(table, "subDirectory_filePath", subject));
  MIEN_ASSIGN_OR_RETURN(out.expression, require_column(table, "expression", subject));
  MIEN_ASSIGN_OR_RETURN(out.valence, require_column(table, "valence", subject));
  MIEN_ASSIGN_OR_RETURN(out.arousal, require_column(table, "arousal", subject));
  return out;
}

}  // namespace

Result<Manifest> read_affectnet(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "affectnet", .classes = kAffectnetClasses};
  const bool seven = options.variant == "7";
  if (seven) out.classes.pop_back();
  MIEN_ASSIGN_OR_RETURN(const std::string folder,
                        files.picture_folder(options, {"Manually_Annotated_Images",
                                                       "Manually_Annotated/Manually_Annotated_"
                                                       "Images"}));
  SampleSink sink(files, options, out);
  std::int64_t contempt = 0;
  for (const std::string& split : wanted_splits(options, {"train", "val"})) {
    const std::string list = split == "train" ? "training.csv" : "validation.csv";
    MIEN_ASSIGN_OR_RETURN(const std::string name,
                          files.first_file({list, "Manually_Annotated_file_lists/" + list}));
    MIEN_ASSIGN_OR_RETURN(const CsvTable table, files.csv(name));
    MIEN_ASSIGN_OR_RETURN(const AffectnetColumns columns,
                          find_affectnet_columns(table, files.subject(name)));
    for (const CsvRow& row : table.rows) {
      const std::string where = fmt::format("{}:{}", files.subject(name), row.line);
      MIEN_ASSIGN_OR_RETURN(const int label,
                            parse_label(row.cells[columns.expression], 0, kLast, where));
      if (seven && label == 7) {
        ++contempt;
        continue;
      }
      Sample sample{.id = row.cells[columns.path], .split = split};
      if (label < static_cast<int>(kAffectnetClasses.size())) sample.labels = {label};
      if (sample.labels.empty() && !options.keep_unlabelled) {
        ++out.unlabelled;  // they are many, so their pictures are not searched
        continue;
      }
      sample.extra["valence"] = row.cells[columns.valence];
      sample.extra["arousal"] = row.cells[columns.arousal];
      const std::string file = fmt::format("{}/{}", folder, sample.id);
      MIEN_RETURN_IF_ERROR(sink.add_picture(std::move(sample), file, where));
    }
  }
  if (seven) out.notes.push_back(fmt::format("{} pictures of contempt left out", contempt));
  return out;
}

}  // namespace mien::data
