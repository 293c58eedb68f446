// AFEW (Dhall et al.; EmotiW): clips of films in folders by class. No annotation file.

#include <fmt/format.h>

#include "data/readers.h"

namespace mien::data {
namespace {

Status add_afew_split(const DatasetFiles& files, const std::string& folder,
                      const std::string& split, SampleSink& sink,
                      const std::vector<std::string>& classes) {
  const std::vector<std::string> candidates =
      split == "train" ? std::vector{folder + "/train", folder + "/Train"}
                       : std::vector{folder + "/validation", folder + "/Validation",
                                     folder + "/val", folder + "/Val"};
  MIEN_ASSIGN_OR_RETURN(const auto found, files.find_folder(candidates));
  if (!found) {
    return not_found(
        fmt::format("{}: missing or empty (expected class folders)",
                    files.subject(folder + (split == "train" ? "/train" : "/validation"))));
  }
  MIEN_ASSIGN_OR_RETURN(const auto class_folders, files.store()->list_folders(*found));
  for (const std::string& of_class : class_folders) {
    const std::string name = path_tail(of_class, 1);
    const auto label = find_class(name, classes);
    if (!label) {
      return corrupt(fmt::format("{}: not a class (expected folders {})", files.subject(of_class),
                                 fmt::join(classes, ", ")));
    }
    MIEN_ASSIGN_OR_RETURN(const auto clips, files.store()->list_folders(of_class));
    for (const std::string& clip : clips) {
      MIEN_RETURN_IF_ERROR(
          sink.add_clip({.id = path_tail(clip, 3), .labels = {*label}, .split = split}, clip, 0,
                        files.subject(clip)));
    }
  }
  return {};
}

}  // namespace

Result<Manifest> read_afew(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "afew", .classes = clip_classes()};
  MIEN_ASSIGN_OR_RETURN(const std::string folder, files.picture_folder(options, {"AFEW_Face"}));
  SampleSink sink(files, options, out);
  for (const std::string& split : wanted_splits(options, {"train", "val"})) {
    MIEN_RETURN_IF_ERROR(add_afew_split(files, folder, split, sink, out.classes));
  }
  sink.finish();
  return out;
}

}  // namespace mien::data
