#include "methods/compact/image_options.h"

#include <fmt/format.h>

namespace mien::methods {

image::PreprocessSpec compact_preprocess(int side) {
  using Kind = image::PreprocessStep::Kind;
  const auto step = [](Kind kind) {
    image::PreprocessStep out;
    out.kind = kind;
    return out;
  };
  image::PreprocessSpec out;
  out.steps = {step(Kind::kGrey), step(Kind::kResizeExact), step(Kind::kToFloat),
               step(Kind::kNormalize)};
  out.steps[1].size = side;
  out.steps[1].filter = image::Filter::kBilinear;
  out.steps[3].mean = {0.5F, 0.5F, 0.5F};
  out.steps[3].std = {0.25F, 0.25F, 0.25F};
  return out;
}

void ResidualTowerOptions::register_options(OptionSet& set) {
  set.add("image_size", image_size, "Pixels", {16, 4096});
  set.add("embed", embed, "Width of the joint space", {1, 16384});
  set.add("stem_width", stem_width, "Channels of the first convolution", {1, 4096});
  set.add("widths", widths, "Channels per stage");
  set.add("blocks", blocks, "Blocks per stage");
}

Status ResidualTowerOptions::validate() const {
  if (widths.empty() || widths.size() != blocks.size()) {
    return invalid_argument(fmt::format("tower.blocks: {} stages (expected {}, one per width)",
                                        blocks.size(), widths.size()));
  }
  return architecture().validate("tower");
}

engine::Architecture ResidualTowerOptions::architecture() const {
  engine::Architecture out;
  out.embed = embed;
  engine::ResidualSizes sizes;
  sizes.image_size = image_size;
  sizes.stem_width = stem_width;
  sizes.widths = widths;
  sizes.blocks = blocks;
  out.image = std::move(sizes);
  return out;
}

void CompactImageTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle of this method that the tower starts from; empty: random");
  set.add("blend", blend, "Share of the trained weights in the bundle; the rest is image.init",
          {0, 1});
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Pictures per step and process", {2, 65536});
  set.add("crop", crop, "Side of random crops in training; 0: the whole picture", {0, 4096});
  set.add("vote_weight", vote_weight, "Loss against the votes of annotators", {0, 100});
  set.add("geometry_weight", geometry_weight,
          "Loss of the shape of the face, told by the geo_* columns", {0, 100});
  set.add("teachers", teachers, "Bundles whose answers for the training pictures are learned, too");
  set.add("teacher_weight", teacher_weight, "Share of the targets that image.teachers tell",
          {0, 1});
  set.add("smoothing", smoothing, "Of labels", {0, 0.99});
  set.add(
      "voted_labels", voted_labels,
      "Share of the label's target that the votes tell: how often pictures with such votes have "
      "which label",
      {0, 1});
  set.add("mixup", mixup, "Alpha of the Beta distribution of mixed pictures; 0: none", {0, 100});
  set.add("mixup_share", mixup_share, "Share of the batches that are mixed", {0, 1});
  set.add("balance", balance, "Classes are drawn by count^(1 - balance)", {0, 1});
  set.group("augment", augment);
  set.add("name", name, "Of the bundle");
  set.add("licence", licence, "Of the bundle");
}

Status CompactImageTraining::validate() const {
  if (blend < 1 && init.empty()) {
    return invalid_argument(fmt::format(
        "image.blend: {} without image.init (expected 1, or a bundle to blend with)", blend));
  }
  return {};
}

void CompactImageRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("tower", tower);
  set.group("image", training);
}

Status CompactImageRecipe::validate() const {
  MIEN_RETURN_IF_ERROR(tower.validate());
  return training.validate();
}

}  // namespace mien::methods
