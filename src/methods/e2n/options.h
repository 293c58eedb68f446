#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/kit/recipe.h"
#include "mien/engine/architecture.h"

namespace mien::methods {

/// Sizes of a Swin encoder; the defaults are the released ones.
struct E2nSwinOptions {
  int patch = 2;
  int width = 96;
  std::vector<int> depths = {2, 2, 6, 2};
  std::vector<int> heads = {3, 6, 12, 24};
  int window = 7;
  double drop_path = 0.1;
  bool feature_head = true;

  void register_options(OptionSet& set);
};

/// Sizes of a residual encoder; the defaults are ResNet-18's.
struct E2nResidualOptions {
  int channels = 3;  ///< 1: grey
  int stem_kernel = 7;
  int stem_stride = 2;
  int stem_width = 64;
  bool stem_pool = true;
  int first_stride = 1;
  std::vector<int> widths = {64, 128, 256, 512};
  std::vector<int> blocks = {2, 2, 2, 2};
  bool projection = false;

  void register_options(OptionSet& set);
};

/// The parts of an E2N-FER model. Names are relative to the data folder unless they exist as given.
struct E2nModelOptions {
  std::string encoder = "swin";  ///< or residual
  int image_size = 112;
  E2nSwinOptions swin = {};
  E2nResidualOptions residual = {};
  std::string init = {};     ///< bundle whose image tower starts; empty: random weights
  std::string teacher = {};  ///< bundle whose text tower gives the targets
  int hidden = 128;          ///< of the transformation network

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument for impossible sizes of the image tower, or sizes that do not give
  /// `embed` values.
  Result<engine::Architecture> architecture(int embed) const;
};

/// Random changes of a training picture, in this order.
struct E2nAugmentOptions {
  int pad = 4;         ///< pixels of black border that a random crop moves into
  double shift = 0.5;  ///< probability of that crop
  double flip = 0.5;
  double erase = 0.5;  ///< probability that 2 % to 25 % of the area become 0 (the mean colour)

  void register_options(OptionSet& set);
};

/// How E2N-FER trains. The defaults are those of the released code for RAF-DB; other values are
/// ours. Source: arXiv 2409.08598, methods-e2n-fer §4, §5.
struct E2nTraining {
  std::string prompt = "a photo of a person making {a} {class} facial expression.";
  std::string targets = "text";  ///< learned: prototypes from random weights instead of the texts
  std::string neutral = "neutral";
  double lambda_s = 1;
  double lambda_t = 1;
  double lambda_c = 1;
  std::string lc = "pairwise";  ///< or diagonal
  int epochs = 50;
  int batch = 64;
  double balance = 0;  ///< classes are drawn by count^(1 - balance)
  E2nAugmentOptions augment = {};
  bool text_tower = false;       ///< the bundle gets the teacher's text tower
  std::string selects = "last";  ///< best: the epoch with the best WAR on the validation part
  double accept = 0.95;          ///< share of the validation part that is not "unknown"
  std::string name = "e2n-fer";
  std::string licence = {};

  void register_options(OptionSet& set);
};

/// data.*, model.* and e2n.* of a recipe.
struct E2nRecipe {
  DataOptions data = {};
  E2nModelOptions model = {};
  E2nTraining training = {};

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

std::unique_ptr<MethodRecipe> e2n_recipe();

/// The sentence for a class: `{class}` becomes its noun (angry: anger), `{a}` a or an.
std::string e2n_prompt(const std::string& pattern, const std::string& name);

}  // namespace mien::methods
