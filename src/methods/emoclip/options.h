#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/augment.h"
#include "methods/kit/recipe.h"
#include "methods/kit/training_data.h"

namespace mien::methods {

/// Sizes of towers that start from random weights.
struct TowerOptions {
  int embed = 128;
  int image_size = 48;
  int patch = 8;
  int width = 192;
  int layers = 6;
  int heads = 3;
  int text_width = 128;
  int text_layers = 2;
  int text_heads = 2;
  std::string vocabulary = "tiny";  ///< "tiny" (764 tokens) or a CLIP vocabulary file

  void register_options(OptionSet& set);
};

/// The parts of an EmoCLIP model, and which of them train. The defaults are those of the published
/// code. Source: EmoCLIP (arXiv 2310.16640) and its released code; see docs/methods/README.md.
struct EmoclipOptions {
  /// Bundle that the towers come from, and the temporal model when it has one of these sizes;
  /// empty: random towers of `tower`
  std::string init = {};
  TowerOptions tower = {};
  std::string temporal = "emoclip";  ///< emoclip, conventional, or none (pictures)
  int temporal_layers = 2;
  /// temporal (both towers frozen), visual, text, both (fine-tuned), all (from scratch)
  std::string trains = "temporal";
  double backbone_lr_factor = 0.001;  ///< rate of fine-tuned towers against the rest

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// How EmoCLIP trains. The defaults are literally those of the released code; other values are
/// ours. Source: methods-emoclip §3, §4, §8, §9, §11.
struct EmoclipTraining {
  std::string texts = "captions";  ///< of a sample: its caption, or a description of its class
  std::string class_texts = {};    ///< label file or set; empty: mien's descriptions
  bool all_texts = false;          ///< every text of a class; else its first, as published
  std::string objective = "contrastive";  ///< contrastive, classes, regression
  std::string positives = "diagonal";     ///< same_text: equal texts of a batch count as matches
  std::string negatives = "local";        ///< gathered: from all processes
  int local_chunks = 1;                   ///< parts of a batch with negatives of their own
  bool soft_targets = false;              ///< votes instead of labels (objective classes)
  double smoothing = 0;                   ///< of labels (objective classes)
  std::string head = "mlp";               ///< regression: mlp (512-256-K) or linear
  /// Regression: scale of each target (or one for all) as LOW:HIGH, for the bundle; empty: not
  /// stored
  std::vector<std::string> ranges = {};
  /// Regression: predictions of samples with the same value in this column are averaged before the
  /// figures; empty: every sample counts
  std::string average_by = {};
  int epochs = 50;
  int batch = 16;
  int frames = 32;
  int stride = 2;          ///< of training
  int val_stride = 4;      ///< of validation, and of the bundle
  bool val_random = true;  ///< validation starts at a random frame, as published
  std::string preprocess = "emoclip";
  bool grey = false;     ///< pictures lose their colour first
  bool balance = false;  ///< rare classes are drawn more often
  bool cache = true;     ///< of frozen image towers, when nothing is augmented
  data::AugmentOptions augment = data::AugmentOptions::tilt_and_flip();
  std::string name = {};     ///< of the bundle
  std::string licence = {};  ///< of the bundle

  void register_options(OptionSet& set);
};

/// The options of EmoCLIP in a recipe: data.*, model.* and emoclip.*.
struct EmoclipRecipe {
  DataOptions data = {};
  EmoclipOptions model = {};
  EmoclipTraining training = {};

  void register_options(OptionSet& set);
  /// Checks combinations of options. Errors: kInvalidArgument naming the option.
  Status validate() const;
};

std::unique_ptr<MethodRecipe> emoclip_recipe();

}  // namespace mien::methods
