#include "methods/arpl/options.h"

namespace mien::methods {

void ArplTraining::register_options(OptionSet& set) {
  add_known(set);
  set.add("adapter", adapter, "Train a matrix on the embeddings, starting as identity");
  set.add("init_std", init_std, "Initial standard deviation of the points", {0, 10});
  set.add("temperature", temperature, "Divisor of the scores", {1e-4, 1e4});
  set.add("margin_weight", margin_weight, "Weight of the margin", {0, 1000});
  add_lengths(set);
  add_selection(set);
}

}  // namespace mien::methods
