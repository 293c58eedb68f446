#include "methods/dfer_clip/options.h"

#include <fmt/format.h>

namespace mien::methods {

void DferClipTraining::register_options(OptionSet& set) {
  add_init(set);
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
  add_length(set, "Clips");
  set.add("preprocess", preprocess,
          "Square pictures without mean and deviation, as published, or as the init bundle has it",
          {"dfer_clip", "init"});
  set.group("view", view);
  set.add("cache", cache, "Keep embeddings of a frozen image tower when nothing is random");
  add_select(set);
  add_accept(set);
  add_bundle(set);
}

Status DferClipTraining::validate() const {
  MIEN_RETURN_IF_ERROR(check_init(kGroup));
  if (view.ratio_min > view.ratio_max) {
    return invalid_argument(fmt::format("dfer-clip.view.ratio_min: {} (expected at most {})",
                                        view.ratio_min, view.ratio_max));
  }
  return {};
}

}  // namespace mien::methods
