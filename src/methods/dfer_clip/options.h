#pragma once

#include <memory>
#include <string>

#include "data/picture_view.h"
#include "methods/kit/common_training.h"
#include "methods/kit/context_learner.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// How DFER-CLIP trains. The defaults are literally those of the released code for DFEW; other
/// values are ours. Source: DFER-CLIP (arXiv 2308.13382) and its code; methods-peers §A.
struct DferClipTraining : CommonTraining {
  static constexpr const char* kGroup = "dfer-clip";

  std::string texts = "descriptors";  ///< of a class: its facial behaviour; names, context
  std::string class_texts = {};  ///< label file or set instead of `texts`; the first text counts
  ContextOptions contexts = {};  ///< M learned tokens per class, before the text
  int temporal_layers = 1;
  double lr_temporal = 1e-2;
  double lr_image = 1e-5;  ///< 0: the image tower stays as it is
  double lr_contexts = 1e-3;
  double temperature = 0.01;             ///< fixed; the cosines are divided by it
  std::string preprocess = "dfer_clip";  ///< resized to a square, no mean and deviation; init
  data::PictureViewOptions view = data::PictureViewOptions::bright_crop_flip();
  bool cache = true;  ///< of a frozen image tower when nothing is changed at random

  DferClipTraining() {
    epochs = 50;
    batch = 48;
    frames = 16;
    select = "war";
  }

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and dfer-clip.* of a recipe.
using DferClipRecipe = RecipeOptions<DferClipTraining>;

std::unique_ptr<MethodRecipe> dfer_clip_recipe();

}  // namespace mien::methods
