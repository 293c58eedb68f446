#include "methods/arpl/options.h"

namespace mien::methods {

void ArplTraining::register_options(OptionSet& set) {
  add_known(set);
  set.add("adapter", adapter, "Train a matrix on the embeddings, from identity");
  set.add("init_std", init_std, "Deviation of the points at the start", {0, 10});
  set.add("temperature", temperature, "The scores are divided by it", {1e-4, 1e4});
  set.add("margin_weight", margin_weight, "Of the margin", {0, 1000});
  add_lengths(set);
  add_selection(set);
}

}  // namespace mien::methods
