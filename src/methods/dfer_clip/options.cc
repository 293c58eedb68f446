#include "methods/dfer_clip/options.h"

#include <fmt/format.h>

namespace mien::methods {

void DferClipTraining::register_options(OptionSet& set) {
  add_init(set);
  set.add("texts", texts,
          "Text of a class: its facial behaviour, its name, or the name in a phrase",
          {"descriptors", "names", "context"});
  set.add("class_texts", class_texts,
          "Label file or set to use instead of texts; only first texts count");
  set.group("contexts", contexts);
  set.add("temporal_layers", temporal_layers, "Blocks of the temporal model", {1, 256});
  set.add("lr_temporal", lr_temporal, "Learning rate of the temporal model", {1e-12, 1e3});
  set.add("lr_image", lr_image, "Learning rate of the image tower; 0: frozen", {0, 1e3});
  set.add("lr_contexts", lr_contexts, "Learning rate of the learned tokens; 0: frozen", {0, 1e3});
  set.add("temperature", temperature, "Divisor of the cosines", {1e-4, 100});
  add_length(set, "Clips");
  set.add("preprocess", preprocess,
          "Square pictures without mean and deviation, as published, or as in the init bundle",
          {"dfer_clip", "init"});
  set.group("view", view);
  set.add("cache", cache, "Cache embeddings of a frozen image tower if nothing is augmented");
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
