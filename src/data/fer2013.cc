// FER2013 (Goodfellow et al., ICML 2013 workshop): 48 x 48 grey faces as rows of a CSV, 7 classes.

#include <fmt/format.h>

#include "data/pixel_rows.h"
#include "data/readers.h"

namespace mien::data {

Result<Manifest> read_fer2013(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{
      .name = "fer2013",
      .classes = {"anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral"}};
  MIEN_ASSIGN_OR_RETURN(
      const std::string name,
      files.first_file({"fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv"}));
  const std::string subject = files.subject(name);
  MIEN_ASSIGN_OR_RETURN(PixelRows table, PixelRows::open(files.folder() / name));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const PixelRow& row = table.rows[i];
    const std::string where = fmt::format("{}:{}", subject, row.line);
    MIEN_ASSIGN_OR_RETURN(const int label, parse_label(row.emotion, 0, 6, where));
    MIEN_ASSIGN_OR_RETURN(std::string split, split_of_usage(row.usage, where));
    if (!options.split.empty() && split != options.split) continue;
    out.samples.push_back({.id = fmt::format("fer{:07}", i),
                           .frames = {PixelStore::name_of(i)},
                           .labels = {label},
                           .split = std::move(split)});
  }
  out.store = std::make_shared<PixelStore>(std::move(table), subject);
  return out;
}

}  // namespace mien::data
