#include "methods/emoclip/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

namespace mien::methods {
namespace {

Status check_choice(std::string_view option, std::string_view value,
                    std::span<const std::string_view> choices) {
  if (std::find(choices.begin(), choices.end(), value) != choices.end()) return {};
  return invalid_argument(fmt::format("emoclip.{}: '{}' (expected one of {})", option, value,
                                      fmt::join(choices, ", ")));
}

Status check_tower(const TowerOptions& tower) {
  const std::array<int, 9> sizes = {tower.embed,      tower.image_size,  tower.patch,
                                    tower.width,      tower.layers,      tower.heads,
                                    tower.text_width, tower.text_layers, tower.text_heads};
  if (std::any_of(sizes.begin(), sizes.end(), [](int size) { return size < 1 || size > 16384; })) {
    return invalid_argument("emoclip.tower: a size is out of range (expected 1..16384)");
  }
  return {};
}

}  // namespace

void TowerOptions::register_options(OptionSet& set) {
  set.add("embed", embed, "Width of the joint space", {1, 16384});
  set.add("image_size", image_size, "Pixels", {1, 4096});
  set.add("patch", patch, "Pixels", {1, 4096});
  set.add("width", width, "Width of the image tower", {1, 16384});
  set.add("layers", layers, "Number of layers of the image tower", {1, 256});
  set.add("heads", heads, "Number of heads of the image tower", {1, 256});
  set.add("text_width", text_width, "Width of the text tower", {1, 16384});
  set.add("text_layers", text_layers, "Number of layers of the text tower", {1, 256});
  set.add("text_heads", text_heads, "Number of heads of the text tower", {1, 256});
  set.add("vocabulary", vocabulary, "\"tiny\" (764 tokens), or a CLIP vocabulary below --data");
}

void EmoclipOptions::register_options(OptionSet& set) {
  set.add("init", init, "Bundle to take the towers from; empty: random towers");
  set.group("tower", tower);
  set.add("temporal", temporal, "Temporal model", {"emoclip", "conventional", "none"});
  set.add("temporal_layers", temporal_layers, "Layers of the temporal model", {1, 256});
  set.add("trains", trains, "What trains; methods-emoclip §7",
          {"temporal", "visual", "text", "both", "all"});
  set.add("backbone_lr_factor", backbone_lr_factor, "Factor of the rate for fine-tuned towers",
          {1e-9, 1});
}

Status EmoclipOptions::validate() const {
  static constexpr std::array<std::string_view, 3> kTemporal = {"emoclip", "conventional", "none"};
  static constexpr std::array<std::string_view, 5> kTrains = {"temporal", "visual", "text", "both",
                                                              "all"};
  MIEN_RETURN_IF_ERROR(check_choice("temporal", temporal, kTemporal));
  MIEN_RETURN_IF_ERROR(check_choice("trains", trains, kTrains));
  if (temporal_layers < 1 || temporal_layers > 256) {
    return invalid_argument(
        fmt::format("emoclip.temporal_layers: {} (expected 1..256)", temporal_layers));
  }
  if (!(backbone_lr_factor > 0 && backbone_lr_factor <= 1)) {
    return invalid_argument(fmt::format(
        "emoclip.backbone_lr_factor: {} (expected above 0, at most 1)", backbone_lr_factor));
  }
  return check_tower(tower);
}

void EmoclipTraining::register_options(OptionSet& set) {
  set.add("texts", texts, "Text of a training sample", {"captions", "classes"});
  set.add("class_texts", class_texts,
          "Label file below --data, or set, that describes the classes; empty: mien's own texts");
  set.add("all_texts", all_texts, "Use every text of a class, not only the first as published");
  set.add("objective", objective,
          "Contrastive as published; cross entropy over the class texts; regression",
          {"contrastive", "classes", "regression"});
  set.add("positives", positives, "Which texts of a batch count as matches",
          {"diagonal", "same_text"});
  set.add("negatives", negatives, "Negatives from this process or from all", {"local", "gathered"});
  set.add("local_chunks", local_chunks, "Number of parts of a batch with separate negatives",
          {1, 4096});
  set.add("soft_targets", soft_targets, "Use votes instead of labels (objective classes)");
  set.add("smoothing", smoothing, "Smoothing of labels (objective classes)", {0, 0.99});
  set.add("head", head, "Head of a regression: two layers, or a linear probe", {"mlp", "linear"});
  set.add("ranges", ranges, "Scale of each regression target, or one for all, as LOW:HIGH");
  set.add("average_by", average_by,
          "Column (subject, ...) by which regression samples are averaged before the figures");
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Clips per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 1023});
  set.add("stride", stride, "Take every Nth frame in training", {1, 1000});
  set.add("val_stride", val_stride, "Take every Nth frame in validation and in the bundle",
          {1, 1000});
  set.add("val_random", val_random, "Start validation clips at a random frame, as published");
  set.add("preprocess", preprocess, "Order and filter of the preprocessing", {"emoclip", "clip"});
  set.add("grey", grey, "Convert pictures to grey first");
  set.add("balance", balance, "Draw rare classes as often as frequent ones");
  set.add("cache", cache, "Cache embeddings of a frozen image tower if nothing is augmented");
  set.group("augment", augment);
  set.add("name", name, "Name of the bundle; empty: the name of the data");
  set.add("licence", licence, "Licence of the bundle");
}

void EmoclipRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("model", model);
  set.group("emoclip", training);
}

Status EmoclipRecipe::validate() const {
  const bool regression = training.objective == "regression";
  if (regression && data.targets.empty()) {
    return invalid_argument("data.targets: is empty (expected the columns to predict)");
  }
  if (training.batch % training.local_chunks != 0) {
    return invalid_argument(fmt::format("emoclip.local_chunks: {} does not divide the batch of {}",
                                        training.local_chunks, training.batch));
  }
  if (training.objective == "classes" && training.texts != "classes") {
    return invalid_argument("emoclip.texts: 'captions' (objective classes expects 'classes')");
  }
  if (training.positives == "same_text" && training.negatives != "local") {
    return invalid_argument("emoclip.positives: same_text needs negatives: local");
  }
  return {};
}

}  // namespace mien::methods
