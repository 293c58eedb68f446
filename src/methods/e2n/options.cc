#include "methods/e2n/options.h"

#include <fmt/format.h>

#include "methods/e2n/model.h"
#include "mien/text/prompts.h"

namespace mien::methods {

std::string e2n_prompt(const std::string& pattern, const std::string& name) {
  return text::class_prompt(pattern, name);
}

void E2nSwinOptions::register_options(OptionSet& set) {
  set.add("patch", patch, "Pixels of a place of the first stage", {1, 4096});
  set.add("width", width, "Of the first stage", {16, 16384});
  set.add("depths", depths, "Blocks per stage");
  set.add("heads", heads, "Heads per stage");
  set.add("window", window, "Places on a side of a window", {1, 32});
  set.add("drop_path", drop_path, "Probability that the last block is left out", {0, 0.9});
  set.add("feature_head", feature_head, "Two linear layers with batch norms behind the mean");
}

void E2nResidualOptions::register_options(OptionSet& set) {
  set.add("channels", channels, "1: grey, 3: colour", {1, 3});
  set.add("stem_kernel", stem_kernel, "Of the first convolution, odd", {1, 15});
  set.add("stem_stride", stem_stride, "Of the first convolution", {1, 4});
  set.add("stem_width", stem_width, "Channels of the first convolution", {1, 16384});
  set.add("stem_pool", stem_pool, "The largest of 3 x 3 behind it");
  set.add("first_stride", first_stride, "Of the first stage", {1, 4});
  set.add("widths", widths, "Channels per stage");
  set.add("blocks", blocks, "Blocks per stage");
  set.add("projection", projection, "A linear layer from the features to the joint space");
}

void E2nModelOptions::register_options(OptionSet& set) {
  set.add("encoder", encoder, "Image tower", {"swin", "residual"});
  set.add("image_size", image_size, "Pixels", {16, 4096});
  set.group("swin", swin);
  set.group("residual", residual);
  set.add("init", init, "Bundle whose image tower starts; empty: random");
  set.add("teacher", teacher, "Bundle whose text tower gives the targets");
  set.add("hidden", hidden, "Width inside the transformation network", {1, 16384});
}

Result<engine::Architecture> E2nModelOptions::architecture(int embed) const {
  engine::Architecture out;
  out.embed = embed;
  if (encoder == "swin") {
    out.image = engine::SwinSizes{.image_size = image_size,
                                  .patch = swin.patch,
                                  .width = swin.width,
                                  .depths = swin.depths,
                                  .heads = swin.heads,
                                  .window = swin.window,
                                  .mlp_ratio = kE2nMlpRatio,
                                  .feature_head = swin.feature_head};
  } else {
    out.image = engine::ResidualSizes{.image_size = image_size,
                                      .channels = residual.channels,
                                      .stem_kernel = residual.stem_kernel,
                                      .stem_stride = residual.stem_stride,
                                      .stem_width = residual.stem_width,
                                      .stem_pool = residual.stem_pool,
                                      .first_stride = residual.first_stride,
                                      .widths = residual.widths,
                                      .blocks = residual.blocks,
                                      .projection = residual.projection};
  }
  if (const Status status = out.validate("model"); !status.ok()) {
    return invalid_argument(status.message());
  }
  return out;
}

void E2nAugmentOptions::register_options(OptionSet& set) {
  set.add("pad", pad, "Pixels of black border that a crop moves into", {0, 1024});
  set.add("shift", shift, "Probability of such a crop", {0, 1});
  set.add("flip", flip, "Probability of the mirror image", {0, 1});
  set.add("erase", erase, "Probability that a rectangle is blanked", {0, 1});
}

void E2nTraining::register_options(OptionSet& set) {
  set.add("prompt", prompt, "Sentence of a class: {class} its noun, {a} a or an");
  set.add("targets", targets, "What stands for the classes", {"text", "learned"});
  set.add("neutral", neutral, "Name of the class without an expression");
  set.add("lambda_s", lambda_s, "Weight of the similarity with the texts", {0, 1000});
  set.add("lambda_t", lambda_t, "Weight of the direction from neutral to expression", {0, 1000});
  set.add("lambda_c", lambda_c, "Weight of the contrast with the own neutral", {0, 1000});
  set.add("lc", lc, "Pairs of that contrast", {"pairwise", "diagonal"});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Pictures per step and process", {2, 65536});
  set.add("balance", balance, "Classes are drawn by count^(1 - balance)", {0, 1});
  set.group("augment", augment);
  set.add("text_tower", text_tower, "The bundle gets the teacher's text tower, for free labels");
  set.add("selects", selects, "Which epoch the bundle has", {"last", "best"});
  set.add("accept", accept, "Share of the validation part that is not unknown", {0.5, 1});
  set.add("name", name, "Of the bundle");
  set.add("licence", licence, "Of the bundle");
}

void E2nRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("model", model);
  set.group("e2n", training);
}

Status E2nRecipe::validate() const {
  if (!model.teacher.empty()) return {};
  return invalid_argument("model.teacher: is missing (expected a bundle with a text tower)");
}

}  // namespace mien::methods
