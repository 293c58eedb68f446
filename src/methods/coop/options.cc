#include "methods/coop/options.h"

namespace mien::methods {

void CoopTraining::register_options(OptionSet& set) {
  add_init(set);
  set.group("contexts", contexts);
  set.add("hidden", hidden, "Hidden units of the weights of frames", {1, 4096});
  set.add("pool_lr", pool_lr,
          "Rate of the weights of frames, relative to the contexts; 0: mean of frames", {0, 1e6});
  add_length(set, "Clips");
  add_select(set);
  add_accept(set);
  add_bundle(set);
}

}  // namespace mien::methods
