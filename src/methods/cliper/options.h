#pragma once

#include <memory>
#include <string>

#include "data/augment.h"
#include "data/random_view.h"
#include "methods/cliper/model.h"
#include "methods/kit/common_training.h"
#include "methods/kit/recipe.h"
#include "methods/kit/training_data.h"

namespace mien::methods {

/// How one stage trains; the rest of the trainer's options is common to both.
struct CliperStage {
  int epochs = 2;  ///< 0: skip the stage
  double lr = 0.01;
  double weight_decay = 0;
  double eps = 1e-4;
  std::string schedule = "constant";
  double restart_epochs = 10;
  bool augment = true;  ///< augment pictures in this stage

  void register_options(OptionSet& set);
};

/// How CLIPER trains. The defaults are those of the released code for RAF-DB; other values are
/// ours. Source: CLIPER (arXiv 2303.00193); methods-cliper §2 to §6.
struct CliperTraining : CommonTraining {
  static constexpr const char* kGroup = "cliper";

  std::string prompts = "learned";  ///< written: one hand-written text per class, nothing learned
  PromptOptions learned = {};       ///< template, K, M
  std::string written = "a photo of a person with an expression of {}.";  ///< {}: the class
  std::string loss = "full";  ///< margin and fine-grained; mean_ce
  double temperature = 0.01;  ///< fixed; the cosines are divided by it
  bool joint = false;         ///< stage 2 trains the descriptors as well
  CliperStage stage1 = {};    ///< descriptors, both towers frozen
  CliperStage stage2 = {.epochs = 57,
                        .lr = 5e-6,
                        .weight_decay = 0.1,
                        .eps = 1e-4,
                        .schedule = "restarts",
                        .restart_epochs = 10,
                        .augment = true};  ///< image tower, the rest frozen
  std::string sampling = "cliper";         ///< of clips: one frame per segment; uniform: its middle
  bool squeeze = false;  ///< pictures are resized to the tower's square (clips), not cropped
  bool balance = false;  ///< rare classes are drawn as often as frequent ones
  bool cache = true;     ///< of stage 1, if nothing is augmented
  data::AugmentOptions augment = {.flip = 0.5};
  data::RandomViewOptions view = data::RandomViewOptions::cliper();

  /// Each stage has its own epochs; one frame is a still picture.
  CliperTraining() { batch = 128; }

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and cliper.* of a recipe.
using CliperRecipe = RecipeOptions<CliperTraining>;

std::unique_ptr<MethodRecipe> cliper_recipe();

}  // namespace mien::methods
