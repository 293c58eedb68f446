#include <fmt/format.h>

#include "methods/dfer_clip/train.h"

namespace mien::methods {

void DferClipTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle that both towers come from, below --data");
  set.add("texts", texts,
          "Text of a class: its facial behaviour, its name, or the name in a phrase",
          {"descriptors", "names", "context"});
  set.add("class_texts", class_texts, "Label file or set instead of texts; the first text counts");
  set.group("contexts", contexts);
  set.add("temporal_layers", temporal_layers, "Blocks of the temporal model", {1, 256});
  set.add("lr_temporal", lr_temporal, "Learning rate of the temporal model", {1e-12, 1e3});
  set.add("lr_image", lr_image, "Of the image tower; 0: it does not train", {0, 1e3});
  set.add("lr_contexts", lr_contexts, "Of the learned tokens; 0: they do not train", {0, 1e3});
  set.add("temperature", temperature, "The cosines are divided by it", {1e-4, 100});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Clips per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 4096});
  set.add("preprocess", preprocess,
          "Square pictures without mean and deviation, as published, or as the init bundle has it",
          {"dfer_clip", "init"});
  set.group("view", view);
  set.add("cache", cache, "Keep embeddings of a frozen image tower when nothing is random");
  set.add("select", select, "Epoch that is kept; war and uar look at the validation part",
          {"last", "war", "uar"});
  set.add("accept", accept, "Share of the validation part that is not unknown", {0.5, 1});
  set.add("name", name, "Of the bundle; empty: that of the data");
  set.add("licence", licence, "Of the bundle");
}

Status DferClipTraining::validate() const {
  if (init.empty()) {
    return invalid_argument("dfer-clip.init: is empty (expected a bundle with both towers)");
  }
  if (view.ratio_min > view.ratio_max) {
    return invalid_argument(fmt::format("dfer-clip.view.ratio_min: {} (expected at most {})",
                                        view.ratio_min, view.ratio_max));
  }
  return {};
}

void DferClipRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("dfer-clip", training);
}

Result<std::unique_ptr<Method>> DferClipRecipe::make(const MethodContext& context) const {
  return DferClipMethod::make(*this, context);
}

}  // namespace mien::methods
