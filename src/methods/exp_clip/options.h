#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/kit/common_training.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// How Exp-CLIP trains. The defaults are those of the released code; the teacher is a file of
/// vectors that were computed before. Both towers stay frozen, `frames` counts in tests only.
/// Source: Exp-CLIP (arXiv 2405.19100) and its code; methods-peers §B.
struct ExpClipTraining : CommonTraining {
  static constexpr const char* kGroup = "exp-clip";

  std::string teacher = {};  ///< safetensors below --data with `vectors` [rows, width]
  /// Text file with the sample of each row, one id per line; empty: one row per sample of the
  /// training manifest, in its order
  std::string teacher_ids = {};
  std::string negatives = "local";       ///< gathered: from all processes
  std::string preprocess = "dfer_clip";  ///< resized to a square, no mean and deviation; init
  std::string prompts = "P3";            ///< prompt set of the labels
  std::string class_texts = {};          ///< label file or set instead of `prompts`
  /// Labels of the bundle; empty: the classes that validate, else the seven of DFEW
  std::vector<std::string> labels = {};

  ExpClipTraining() {
    epochs = 5;
    batch = 512;
    frames = 16;
  }

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and exp-clip.* of a recipe.
using ExpClipRecipe = RecipeOptions<ExpClipTraining>;

std::unique_ptr<MethodRecipe> exp_clip_recipe();

}  // namespace mien::methods
