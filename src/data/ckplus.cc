// CK+ (Lucey et al., CVPR workshops 2010): posed sequences from neutral to apex, 7 classes and
// neutral.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "data/readers.h"
#include "data/store.h"

namespace mien::data {
namespace {

// In the order of the numbers from 1; 0 is neutral, which no sequence as a whole is.
const std::vector<std::string> kCkplusClasses = {"anger",     "contempt", "disgust", "fear",
                                                 "happiness", "sadness",  "surprise"};

// "   3.0000000e+00" in a file of its own.
Result<int> read_label(const DatasetFiles& files, const std::string& name) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, files.text(name));
  const std::size_t first = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const std::string_view word =
      std::string_view(text).substr(first, text.find_first_of(" \t\r\n", first) - first);
  double value = -1;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value != std::floor(value) ||
      value < 1 || value > 7) {
    return corrupt(
        fmt::format("{}:1: label '{}' (expected 1..7)", files.subject(name), word.substr(0, 40)));
  }
  return static_cast<int>(value) - 1;
}

Result<std::optional<int>> label_of(const DatasetFiles& files, const std::string& folder) {
  std::optional<int> out;
  MIEN_ASSIGN_OR_RETURN(const auto names, files.store()->list(folder));
  for (const std::string& name : names) {
    if (!name.ends_with("_emotion.txt")) continue;
    if (out) {
      return corrupt(fmt::format("{}: a second label for the sequence (expected one file)",
                                 files.subject(name)));
    }
    MIEN_ASSIGN_OR_RETURN(out, read_label(files, name));
  }
  return out;
}

// The last three frames as pictures, and with `neutral` the first one too, as studies on single
// pictures take them.
Status add_apex(const DatasetFiles& files, const Sample& sequence, const std::string& folder,
                std::optional<int> neutral, SampleSink& sink) {
  MIEN_ASSIGN_OR_RETURN(const auto frames, files.pictures(folder));
  const std::string where = files.subject(folder);
  if (frames.empty()) return sink.add_clip(sequence, folder, 0, where);
  const auto add = [&](const std::string& frame, std::vector<int> labels) {
    Sample sample = sequence;
    sample.id = fmt::format("{}/{}", sequence.id, path_tail(frame, 1));
    sample.labels = std::move(labels);
    sample.extra["sequence"] = sequence.id;
    return sink.add_picture(std::move(sample), frame, where);
  };
  const bool first = neutral && !sequence.labels.empty();
  if (first) MIEN_RETURN_IF_ERROR(add(frames.front(), {*neutral}));
  const std::size_t last_three = frames.size() > 3 ? frames.size() - 3 : 0;
  for (std::size_t i = std::max<std::size_t>(last_three, first ? 1 : 0); i < frames.size(); ++i) {
    MIEN_RETURN_IF_ERROR(add(frames[i], sequence.labels));
  }
  return {};
}

}  // namespace

Result<Manifest> read_ckplus(const DatasetFiles& files, const DatasetOptions& options) {
  Manifest out{.name = "ckplus", .classes = kCkplusClasses};
  MIEN_ASSIGN_OR_RETURN(
      const std::string pictures,
      files.picture_folder(
          options, {"cohn-kanade-images", "extended-cohn-kanade-images/cohn-kanade-images"}));
  MIEN_ASSIGN_OR_RETURN(const auto labels,
                        files.find_folder({"Emotion", "Emotion_labels/Emotion"}));
  if (!labels) {
    return not_found(fmt::format("{}: has no labels (expected a folder Emotion)",
                                 files.folder().generic_string()));
  }
  std::optional<int> neutral;
  if (options.variant == "apex-neutral") {
    neutral = static_cast<int>(out.classes.size());
    out.classes.emplace_back("neutral");
  }
  SampleSink sink(files, options, out);
  MIEN_ASSIGN_OR_RETURN(const auto subjects, files.store()->list_folders(pictures));
  for (const std::string& of_subject : subjects) {
    const std::string subject = path_tail(of_subject, 1);
    MIEN_ASSIGN_OR_RETURN(const auto sequences, files.store()->list_folders(of_subject));
    for (const std::string& folder : sequences) {
      Sample sample{.id = path_tail(folder, 2), .subject = subject};
      MIEN_ASSIGN_OR_RETURN(const auto label,
                            label_of(files, fmt::format("{}/{}", *labels, sample.id)));
      if (label) sample.labels = {*label};
      if (options.variant == "sequence") {
        MIEN_RETURN_IF_ERROR(sink.add_clip(std::move(sample), folder, 0, files.subject(folder)));
      } else {
        MIEN_RETURN_IF_ERROR(add_apex(files, sample, folder, neutral, sink));
      }
    }
  }
  sink.finish();
  return out;
}

}  // namespace mien::data
