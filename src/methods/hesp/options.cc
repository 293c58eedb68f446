#include "methods/hesp/options.h"

#include <fmt/format.h>

namespace mien::methods {

void HespTraining::register_options(OptionSet& set) {
  add_known(set);
  set.add("contexts", contexts, "Number of learned tokens before the name of a class", {1, 1000});
  set.add("init_std", init_std, "Initial standard deviation of learned tokens", {0, 10});
  set.add("patch", patch, "Side of the patch prompt, pixels", {2, 4096});
  set.add("step", step, "Length of the normalised steps of patch and negatives", {0, 1e6});
  set.add("text_prompt", text_prompt, "Learn contexts; false: use the bare names");
  set.add("visual_prompt", visual_prompt, "Learn a patch that is added to every frame");
  set.add("negatives", negatives, "Learn negative pictures (both L_NE)");
  set.add("clustering", clustering, "Supervised contrastive loss of the clips, L_KN(CL)");
  set.add("joint", joint, "Cross entropy of the mean of both scores, L_H");
  set.add("train_text_ctx", train_text_ctx, "false: as released, only decay reaches the contexts");
  set.add("mask", mask, "Position of the patch", {"per_run", "per_clip"});
  set.add("names", names, "alphabetical: as released, names sorted but labels by number",
          {"aligned", "alphabetical"});
  add_lengths(set);
  set.add("margin_weight", margin_weight, "Weight of the margin in L_NE", {0, 1000});
  set.add("augment", augment, "Use mirror images and random crops in training");
  add_selection(set);
}

Status HespTraining::validate() const {
  MIEN_RETURN_IF_ERROR(check_init(kGroup));
  if (!text_prompt && !visual_prompt && !negatives) {
    return invalid_argument(
        "hesp.text_prompt, hesp.visual_prompt, hesp.negatives: nothing trains (expected one of "
        "them)");
  }
  if (patch % 2 != 0) {
    return invalid_argument(fmt::format("hesp.patch: {} (expected an even number)", patch));
  }
  return {};
}

}  // namespace mien::methods
