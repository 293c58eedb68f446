// FERV39k (Wang et al., CVPR 2022): clips of 22 scenes, 7 classes, one split.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "data/readers.h"
#include "data/store.h"
#include "mien/core/json.h"

namespace mien::data {
namespace {

// {"scene_Emotion_id": "text"}; not published with the data set, so it may be absent.
Result<std::map<std::string, std::string>> read_descriptions(const DatasetFiles& files,
                                                             const std::string& name) {
  std::map<std::string, std::string> out;
  if (!files.store()->contains(name)) return out;
  MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
  const auto json = Json::parse(text, files.limits());
  if (!json.ok()) return json.status().with_prefix(files.subject(name));
  if (!json->is_object()) {
    return corrupt(
        fmt::format("{}: not an object (expected descriptions by clip)", files.subject(name)));
  }
  for (const auto& [key, value] : json->as_object()) {
    if (!value.is_string()) {
      return corrupt(
          fmt::format("{}: '{}' is not a string (expected a text)", files.subject(name), key));
    }
    out.emplace(key, value.as_string());
  }
  return out;
}

// The folder name contains the expression too, which catches a list in another label order.
Status check_folder(const ClipLine& line, const std::string& emotion, const Manifest& manifest,
                    std::string_view where) {
  const auto told = find_class(emotion, manifest.classes);
  if (!told) {
    return corrupt(
        fmt::format("{}: folder '{}' (expected .../scene/Emotion/clip)", where, line.path));
  }
  if (*told == line.label) return {};
  return corrupt(fmt::format(
      "{}: label {} is {}, but the folder is '{}' (expected label {})", where, line.label,
      manifest.classes[static_cast<std::size_t>(line.label)], emotion, *told));
}

}  // namespace

Result<Manifest> read_ferv39k(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "ferv39k", .classes = clip_classes()};
  MIEN_ASSIGN_OR_RETURN(const std::string folder,
                        files.picture_folder(options, {"2_ClipsforFaceCrop"}));
  SampleSink sink(files, options, out);
  for (const std::string& split : wanted_splits(options, {"train", "test"})) {
    MIEN_ASSIGN_OR_RETURN(
        const std::string name,
        files.first_file({fmt::format("{}_image.txt", split), fmt::format("FERV39K_{}.txt", split),
                          fmt::format("FERV39k_{}.txt", split),
                          fmt::format("annotation/FERV39K_{}.txt", split)}));
    MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
    MIEN_ASSIGN_OR_RETURN(const auto lines,
                          parse_clip_list(text, files.subject(name), out.classes.size()));
    std::map<std::string, std::string> captions;
    if (options.captions != CaptionUse::kWithout) {
      MIEN_ASSIGN_OR_RETURN(captions,
                            read_descriptions(files, fmt::format("{}_descriptions.json", split)));
    }
    for (const ClipLine& line : lines) {
      const std::string where = fmt::format("{}:{}", files.subject(name), line.line);
      Sample sample{.id = path_tail(line.path, 3), .labels = {line.label}, .split = split};
      const auto parts = split_fields(sample.id, '/');
      if (parts.size() != 3) {
        return corrupt(
            fmt::format("{}: folder '{}' (expected .../scene/Emotion/clip)", where, line.path));
      }
      MIEN_RETURN_IF_ERROR(check_folder(line, std::string(parts[1]), out, where));
      sample.extra["scene"] = parts[0];
      std::string key = sample.id;
      std::replace(key.begin(), key.end(), '/', '_');
      if (const auto it = captions.find(key); it != captions.end()) sample.caption = it->second;
      const std::string of_clip = fmt::format("{}/{}", folder, sample.id);
      MIEN_RETURN_IF_ERROR(sink.add_clip(std::move(sample), of_clip, line.frames, where));
    }
  }
  sink.finish();
  return out;
}

}  // namespace mien::data
