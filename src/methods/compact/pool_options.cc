#include "methods/compact/pool_options.h"

namespace mien::methods {

void TemporalPoolTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle to add the temporal model to");
  set.add("hidden", hidden, "Hidden units of the score", {1, 4096});
  set.add("frames", frames, "Frames of the longest sequence, and of a sampled clip", {3, 1000});
  set.add("views", views, "Copies of each picture, all but the first augmented", {1, 64});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("steps", steps, "Steps per epoch", {1, 1e9});
  set.add("batch", batch, "Sequences per step", {2, 65536});
  set.add("validation", validation, "Number of validation sequences", {1, 1e9});
  set.add("stay_weight", stay_weight,
          "Weight of the cosine to the mean of the frames that show the expression", {0, 1000});
  set.group("augment", augment);
  set.group("sequences", sequences);
  set.add("name", name, "Name of the bundle; empty: unchanged");
}

Status TemporalPoolTraining::validate() const {
  if (!init.empty()) return {};
  return invalid_argument("temporal.init: is empty (expected a bundle)");
}

}  // namespace mien::methods
