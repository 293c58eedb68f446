#pragma once

#include <memory>
#include <string>

#include "methods/kit/open_set_method.h"
#include "methods/kit/recipe.h"

namespace mien::methods {

/// How HESP trains. The defaults are those of the released code, except where the paper says
/// otherwise (docs/methods/hesp.md). Source: HESP (arXiv 2404.17100); methods-hesp §2 to §6, §10.
struct HespTraining : OpenSetOptions {
  static constexpr const char* kGroup = "hesp";

  int contexts = 16;              ///< learned tokens in front of a class's name
  double init_std = 0.02;         ///< of the contexts
  int patch = 56;                 ///< side of the patch prompt, pixels; even
  double step = 50;               ///< length of the normalised steps of the patch and the negatives
  bool text_prompt = true;        ///< false: the bare names, nothing learned
  bool visual_prompt = true;      ///< the patch
  bool negatives = true;          ///< negative pictures and both L_NE
  bool clustering = true;         ///< L_KN(CL)
  bool joint = true;              ///< L_H, on the mean of both scores
  bool train_text_ctx = true;     ///< false: only weight decay reaches the contexts (the code)
  std::string mask = "per_run";   ///< where the patch lies: per_clip asks every clip
  std::string names = "aligned";  ///< alphabetical: names sorted, labels by number (the code)
  bool augment = true;            ///< mirror images and random crops

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and hesp.* of a recipe.
using HespRecipe = RecipeOptions<HespTraining>;

std::unique_ptr<MethodRecipe> hesp_recipe();

}  // namespace mien::methods
