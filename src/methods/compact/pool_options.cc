#include "methods/compact/pool_options.h"

namespace mien::methods {

void TemporalPoolTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle that gets the temporal model");
  set.add("hidden", hidden, "Hidden units of the score", {1, 4096});
  set.add("frames", frames, "Frames of the longest sequence, and that a clip is sampled to",
          {3, 1000});
  set.add("views", views, "Copies of each picture, all but the first augmented", {1, 64});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("steps", steps, "Steps per epoch", {1, 1e9});
  set.add("batch", batch, "Sequences per step", {2, 65536});
  set.add("validation", validation, "Sequences that validate", {1, 1e9});
  set.add("stay_weight", stay_weight,
          "Of the cosine to the mean of the frames that show the expression", {0, 1000});
  set.group("augment", augment);
  set.group("sequences", sequences);
  set.add("name", name, "Of the bundle; empty: as before");
}

Status TemporalPoolTraining::validate() const {
  if (!init.empty()) return {};
  return invalid_argument("temporal.init: is empty (expected a bundle)");
}

}  // namespace mien::methods
