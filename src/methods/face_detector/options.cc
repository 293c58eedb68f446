#include "methods/face_detector/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace mien::methods {
namespace {

constexpr std::size_t kFaceLevels = 3;  // as many as the teacher has

Result<std::vector<int>> widths_of(std::string_view text) {
  std::vector<int> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    int value = 0;
    const auto [last, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || last != word.data() + word.size() || value < 1 || value > 1024) {
      return invalid_argument(
          fmt::format("network.stages: '{}' (expected whole numbers from 1 to 1024, separated by "
                      "spaces)",
                      word));
    }
    out.push_back(value);
  }
  if (out.empty()) return invalid_argument("network.stages: a stage without layers");
  return out;
}

}  // namespace

void FaceDataOptions::register_options(OptionSet& set) {
  set.add("crops", crops, "Manifests of pictures of one face each, below --data");
  set.add("crop_shares", crop_shares, "How often each manifest is drawn; empty: all alike");
  set.add("backgrounds", backgrounds, "Folders or tars of pictures without faces, below --data");
  set.add("frames", frames, "Folders or tars of whole pictures that the teacher labels");
  set.add("val_pictures", val_pictures, "Folders or tars of whole pictures that only validate");
  set.add("crop_limit", crop_limit, "Pictures used of each manifest, spread evenly; 0: all",
          {0, 1e9});
  set.add("val_part", val_part, "One in so many people and backgrounds validates", {2, 1000});
  set.add("background_side", background_side, "Longer side of backgrounds in memory", {64, 8192});
  set.add("threads", threads, "Threads that compose pictures", {1, 64});
  set.add("max_bad_share", max_bad_share, "Share of pictures that may be unreadable", {0, 1});
}

Status FaceDataOptions::validate() const {
  if (crops.empty()) return invalid_argument("faces.crops: is empty (expected manifests of faces)");
  if (backgrounds.empty()) {
    return invalid_argument("faces.backgrounds: is empty (expected folders of pictures)");
  }
  if (crop_shares.empty()) return {};
  if (crop_shares.size() != crops.size()) {
    return invalid_argument(
        fmt::format("faces.crop_shares: wrong number of values (expected {}, as many as "
                    "faces.crops, got {})",
                    crops.size(), crop_shares.size()));
  }
  const auto [least, most] = std::minmax_element(crop_shares.begin(), crop_shares.end());
  if (*least >= 0 && *most > 0 && *most <= 1000) return {};
  return invalid_argument(
      "faces.crop_shares: out of range (expected whole numbers from 0 to 1000, not all 0)");
}

void SceneOptions::register_options(OptionSet& set) {
  set.add("side", side, "Side of a picture in training, pixels", {32, 2048});
  set.add("frame_share", frame_share, "Share of pictures cut from faces.frames", {0, 1});
  set.add("empty_share", empty_share, "Share of composed pictures without a face", {0, 1});
  set.add("crowd_share", crowd_share, "Share of composed pictures with many small faces", {0, 1});
  set.add("smallest", smallest, "Height of the smallest faces, pixels", {4, 2048});
  set.add("largest", largest, "Height of the largest faces, pixels", {4, 2048});
  set.add("turn_deg", turn_deg, "Faces are turned by up to so many degrees, both ways", {0, 180});
  set.add("hidden_share", hidden_share, "Share of faces with something in front of them", {0, 1});
  set.add("grey_share", grey_share, "Share of pictures without colour", {0, 1});
  set.add("blur_share", blur_share, "Share of blurred pictures", {0, 1});
  set.add("noise_share", noise_share, "Share of noisy pictures", {0, 1});
  set.add("jpeg_share", jpeg_share, "Share of pictures with artefacts of JPEG", {0, 1});
}

Status SceneOptions::validate() const {
  if (largest >= smallest) return {};
  return invalid_argument(fmt::format(
      "scenes.largest: is {} (expected at least scenes.smallest, {})", largest, smallest));
}

void FaceNetworkOptions::register_options(OptionSet& set) {
  set.add("stem_width", stem_width, "Channels of the first layer", {1, 1024});
  set.add("stem_kernel", stem_kernel, "Pixels that it sees, an odd number", {1, 9});
  set.add("stem_stride", stem_stride, "Pixels from place to place: 1, 2 or 4", {1, 4});
  set.add("stages", stages, "Channels of the layers of each stage, separated by spaces");
  set.add("shared", shared, "Layers of a level before its answers", {0, 64});
}

Result<engine::PyramidSizes> FaceNetworkOptions::sizes() const {
  engine::PyramidSizes out;
  out.bgr = false;
  out.stem_width = stem_width;
  out.stem_kernel = stem_kernel;
  out.stem_stride = stem_stride;
  out.levels = static_cast<int>(kFaceLevels);
  out.shared = shared;
  for (const std::string& text : stages) {
    MIEN_ASSIGN_OR_RETURN(std::vector<int> widths, widths_of(text));
    out.stages.push_back({.halve = !out.stages.empty(), .widths = std::move(widths)});
  }
  // What a bundle may not have is refused before it trains.
  const auto parsed = engine::PyramidSizes::parse(out.to_json(), "network");
  if (!parsed.ok()) return invalid_argument(parsed.status().message());
  return out;
}

void FaceDetectorTraining::register_options(OptionSet& set) {
  set.add("teacher", teacher, "Bundle of the detector that teaches, below --data");
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Pictures per step and process", {1, 65536});
  set.add("scenes", scenes, "Pictures of an epoch", {1, 1e9});
  set.add("val_scenes", val_scenes, "Composed pictures that validate", {0, 1e6});
  set.add("box_weight", box_weight, "Weight of the loss of boxes", {0, 1000});
  set.add("point_weight", point_weight, "Weight of the loss of points", {0, 1000});
  set.add("alarms", alarms, "False alarms per picture at which recall is measured", {0, 1000});
  set.add("select", select, "Epoch that is kept: the last, or the best on the validation part",
          {"last", "recall", "recall_pictures"});
  set.add("name", name, "Of the bundle");
  set.add("licence", licence, "Of the bundle");
}

Status FaceDetectorTraining::validate() const {
  if (!teacher.empty()) return {};
  return invalid_argument("detector.teacher: is empty (expected the bundle of a detector)");
}

void FaceDetectorRecipe::register_options(OptionSet& set) {
  set.group("faces", faces);
  set.group("scenes", scenes);
  set.group("network", network);
  set.group("detector", training);
}

Status FaceDetectorRecipe::validate() const {
  MIEN_RETURN_IF_ERROR(faces.validate());
  MIEN_RETURN_IF_ERROR(scenes.validate());
  MIEN_ASSIGN_OR_RETURN(const engine::PyramidSizes sizes, network.sizes());
  MIEN_RETURN_IF_ERROR(training.validate());
  const int coarsest = sizes.stride(sizes.levels - 1);
  if (scenes.side % coarsest == 0) return {};
  return invalid_argument(
      fmt::format("scenes.side: is {} (expected a multiple of {}, the coarsest "
                  "stride of the network)",
                  scenes.side, coarsest));
}

}  // namespace mien::methods
