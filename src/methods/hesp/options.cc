#include <fmt/format.h>

#include "methods/hesp/train.h"

namespace mien::methods {

void HespTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle that both towers come from, below --data");
  set.add("known", known, "Classes that train; the others are unknown. Empty: all, or hesp.split");
  set.add("split", split, "Published list and number of a split, for example afew:3");
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Clips per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 4096});
  set.add("contexts", contexts, "Learned tokens in front of a class's name", {1, 1000});
  set.add("init_std", init_std, "Deviation of learned tokens at the start", {0, 10});
  set.add("patch", patch, "Side of the patch prompt, pixels", {2, 4096});
  set.add("step", step, "Length of the normalised steps of patch and negatives", {0, 1e6});
  set.add("text_prompt", text_prompt, "Learn contexts; false: the bare names");
  set.add("visual_prompt", visual_prompt, "Learn a patch that is added to every frame");
  set.add("negatives", negatives, "Learn negative pictures (both L_NE)");
  set.add("clustering", clustering, "Supervised contrastive loss of the clips, L_KN(CL)");
  set.add("joint", joint, "Cross entropy of the mean of both scores, L_H");
  set.add("train_text_ctx", train_text_ctx, "false: as released, only decay reaches the contexts");
  set.add("mask", mask, "Where the patch lies", {"per_run", "per_clip"});
  set.add("names", names, "alphabetical: as released, names sorted but labels by number",
          {"aligned", "alphabetical"});
  set.add("lengths", lengths, "Of embeddings: the tower's own, or all the root of the logit scale",
          {"own", "matched"});
  set.add("margin_weight", margin_weight, "Of the margin in L_NE", {0, 1000});
  set.add("augment", augment, "Mirror images and random crops in training");
  set.add("select", select, "Epoch that is kept; auroc_oscr looks at the validation part",
          {"last", "auroc_oscr", "war", "uar"});
  set.add("accept", accept, "Share of the training clips that is not unknown", {0.5, 1});
  set.add("name", name, "Of the bundle; empty: that of the data");
  set.add("licence", licence, "Of the bundle");
}

Status HespTraining::validate() const {
  if (init.empty()) {
    return invalid_argument("hesp.init: is empty (expected a bundle with both towers)");
  }
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

void HespRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("hesp", training);
}

Result<std::unique_ptr<Method>> HespRecipe::make(const MethodContext& context) const {
  return HespMethod::make(*this, context);
}

}  // namespace mien::methods
