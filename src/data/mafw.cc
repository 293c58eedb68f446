// MAFW (Liu et al., ACM MM 2022): clips with descriptions, 11 classes, single and compound, 5
// folds.

#include <fmt/format.h>

#include "data/encoding.h"
#include "data/readers.h"

namespace mien::data {
namespace {

// The data set's own order, which is EmoCLIP's and HESP's too.
const std::vector<std::string> kMafwClasses = {
    "anger",    "disgust",  "fear",    "happiness",    "neutral",       "sadness",
    "surprise", "contempt", "anxiety", "helplessness", "disappointment"};
// Classes by their number in the lists of DFER-CLIP and Exp-CLIP.
const std::vector<std::string> kPeerClasses = {
    "happiness", "sadness",  "neutral", "anger",        "surprise",      "disgust",
    "fear",      "contempt", "anxiety", "helplessness", "disappointment"};

std::vector<std::string> own_lists(const DatasetOptions& options, const std::string& split) {
  const bool with = options.captions == CaptionUse::kWith ||
                    (options.captions == CaptionUse::kAuto && split == "train");
  const std::string kind = options.variant == "compound" ? "compound" : "single";
  std::vector<std::string> out;
  for (const std::string_view root : {"Train_Test_Set", "Train & Test Set"}) {
    for (const std::string_view suffix : {"_new", ""}) {
      out.push_back(fmt::format("{}/{}/{}_caption{}/set_{}/{}.txt", root, kind,
                                with ? "with" : "no", suffix, options.fold, split));
    }
  }
  return out;
}

// file, emotion or emotions joined by "_", the Chinese and the English description.
Result<Sample> parse_own_line(std::string_view line, std::string_view where, bool compound) {
  const auto fields = split_fields(line, '\t');
  if (fields.size() < 2 || fields[0].empty()) {
    return corrupt(
        fmt::format("{}: '{}' (expected a file and its emotions with a tab between)", where, line));
  }
  const std::string file = path_tail(fields[0], 1);
  Sample out{.id = file.substr(0, file.find('.'))};
  for (const std::string_view name : split_fields(fields[1], '_')) {
    const auto label = find_class(name, kMafwClasses);
    if (!label) {
      return corrupt(fmt::format("{}: emotion '{}' (expected one of {})", where, name,
                                 fmt::join(kMafwClasses, ", ")));
    }
    out.labels.push_back(*label);
  }
  if (!compound && out.labels.size() > 1) {
    return corrupt(fmt::format("{}: emotions '{}' (expected one; variant compound has several)",
                               where, fields[1]));
  }
  if (fields.size() > 2 && !fields[2].empty()) out.extra["caption_zh"] = fields[2];
  if (fields.size() > 3 && fields[3] != "-") out.caption = fields[3];
  return out;
}

Status add_own(const DatasetFiles& files, const DatasetOptions& options, const std::string& name,
               const std::string& folder, const std::string& split, SampleSink& sink) {
  MIEN_ASSIGN_OR_RETURN(const std::string bytes, files.text(name));
  MIEN_ASSIGN_OR_RETURN(const std::string text, text_from_gbk(bytes, files.subject(name)));
  for (const auto& [line, content] : split_lines(text)) {
    const std::string where = fmt::format("{}:{}", files.subject(name), line);
    MIEN_ASSIGN_OR_RETURN(Sample sample,
                          parse_own_line(content, where, options.variant == "compound"));
    sample.split = split;
    const std::string of_clip = fmt::format("{}/{}", folder, sample.id);
    MIEN_RETURN_IF_ERROR(sink.add_clip(std::move(sample), of_clip, 0, where));
  }
  return {};
}

// Lists of other authors: `path frames label`, optionally followed by the name of the class.
Status add_list(const DatasetFiles& files, const std::string& name,
                const std::vector<std::string>& classes, const std::string& folder,
                const std::string& split, SampleSink& sink) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
  MIEN_ASSIGN_OR_RETURN(const auto lines,
                        parse_clip_list(text, files.subject(name), classes.size()));
  for (const ClipLine& line : lines) {
    const std::string where = fmt::format("{}:{}", files.subject(name), line.line);
    const std::string& word = classes[static_cast<std::size_t>(line.label)];
    if (!line.name.empty() && find_class(line.name, classes) != line.label) {
      return corrupt(fmt::format("{}: label {} is {}, but the line says '{}'", where, line.label,
                                 word, line.name));
    }
    const std::string id = path_tail(line.path, 1);
    MIEN_RETURN_IF_ERROR(sink.add_clip(
        {.id = id, .labels = {find_class(word, kMafwClasses).value_or(0)}, .split = split},
        fmt::format("{}/{}", folder, id), line.frames, where));
  }
  return {};
}

Status add_mafw_split(const DatasetFiles& files, const DatasetOptions& options,
                      const std::string& folder, const std::string& split, SampleSink& sink) {
  if (options.variant == "hesp") {
    MIEN_ASSIGN_OR_RETURN(const std::string name,
                          files.first_file({fmt::format("MAFW_{}.txt", split)}));
    return add_list(files, name, kMafwClasses, folder, split, sink);
  }
  std::vector<std::string> names = own_lists(options, split);
  if (options.variant == "single") {
    const std::string list = fmt::format("MAFW_set_{}_{}.txt", options.fold, split);
    names.insert(names.end(), {list, "annotation/" + list});
  }
  MIEN_ASSIGN_OR_RETURN(const std::string name, files.first_file(names));
  if (name.find("MAFW_set_") != std::string::npos) {
    return add_list(files, name, kPeerClasses, folder, split, sink);
  }
  return add_own(files, options, name, folder, split, sink);
}

}  // namespace

Result<Manifest> read_mafw(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "mafw", .classes = kMafwClasses};
  const bool hesp = options.variant == "hesp";
  if (options.split == (hesp ? "test" : "val")) {
    return invalid_argument(fmt::format("mafw: variant {} has no split '{}' (expected train or {})",
                                        options.variant, options.split, hesp ? "val" : "test"));
  }
  MIEN_ASSIGN_OR_RETURN(const std::string folder, files.picture_folder(options, {"data/faces"}));
  SampleSink sink(files, options, out);
  for (const std::string& split : wanted_splits(options, {"train", hesp ? "val" : "test"})) {
    MIEN_RETURN_IF_ERROR(add_mafw_split(files, options, folder, split, sink));
  }
  sink.finish();
  return out;
}

}  // namespace mien::data
