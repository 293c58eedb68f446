#include "methods/cliper/options.h"

#include <fmt/format.h>

namespace mien::methods {

void CliperStage::register_options(OptionSet& set) {
  set.add("epochs", epochs, "Epochs; 0: skip the stage", {0, 1e6});
  set.add("lr", lr, "Learning rate", {0, 1e3});
  set.add("weight_decay", weight_decay, "Weight decay of AdamW", {0, 10});
  set.add("eps", eps, "Epsilon of AdamW", {0, 1});
  set.add("schedule", schedule, "Learning rate over time",
          {"constant", "step", "cosine", "restarts"});
  set.add("restart_epochs", restart_epochs, "Length of a cosine, in epochs (restarts)",
          {1e-3, 1e6});
  set.add("augment", augment, "Augment pictures in this stage");
}

void CliperTraining::register_options(OptionSet& set) {
  add_init(set);
  set.add("prompts", prompts, "Learned descriptors, or one hand-written text per class",
          {"learned", "written"});
  set.add("template", learned.around, "Text around the learned tokens, which replace {}");
  set.add("descriptors", learned.per_class, "K: learned descriptors per class", {1, 1000});
  set.add("tokens", learned.tokens, "M: learned tokens of a descriptor", {1, 1000});
  set.add("init_std", learned.init_std, "Initial standard deviation of learned tokens", {0, 10});
  set.add("written", written, "Text of a class when prompts are written; {}: its name");
  set.add("loss", loss, "Margin and fine-grained, or cross entropy of the mean",
          {"full", "mean_ce"});
  set.add("temperature", temperature, "Divisor of the cosines", {1e-4, 100});
  set.add("joint", joint, "Train the descriptors in the second stage too");
  set.group("stage1", stage1);
  set.group("stage2", stage2);
  set.add("batch", batch, "Samples per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip; 1: still pictures", {1, 4096});
  set.add("sampling", sampling, "Frames of a clip: a random one per segment, or its middle",
          {"cliper", "uniform"});
  set.add("squeeze", squeeze, "Resize pictures to a square instead of cropping them");
  set.add("balance", balance, "Draw rare classes as often as frequent ones");
  set.add("cache", cache, "Cache embeddings in stage 1 if nothing is augmented");
  add_select(set);
  add_accept(set);
  set.group("augment", augment);
  set.group("view", view);
  add_bundle(set);
}

Status CliperTraining::validate() const {
  MIEN_RETURN_IF_ERROR(check_init(kGroup));
  const bool learns = prompts == "learned";
  if (!learns && joint) {
    return invalid_argument("cliper.joint: true (expected false with written prompts)");
  }
  if (stage2.epochs == 0 && (stage1.epochs == 0 || !learns)) {
    return invalid_argument(
        "cliper.stage1.epochs, cliper.stage2.epochs: nothing trains (expected a stage that does)");
  }
  if (learns && stage1.epochs == 0 && !joint) {
    return invalid_argument(
        "cliper.stage1.epochs: 0 leaves the descriptors random (expected more, joint: true, or "
        "prompts: written)");
  }
  if (view.ratio_min > view.ratio_max) {
    return invalid_argument(fmt::format("cliper.view.ratio_min: {} (expected at most {})",
                                        view.ratio_min, view.ratio_max));
  }
  if (!learns && written.find("{}") == std::string::npos) {
    return invalid_argument(
        fmt::format("cliper.written: '{}' (expected a text with {{}} for the class)", written));
  }
  return {};
}

}  // namespace mien::methods
