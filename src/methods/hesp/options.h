#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/kit/training_data.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// How HESP trains. The defaults are those of the released code, except where the paper says
/// otherwise (docs/training.md). Source: HESP (arXiv 2404.17100); methods-hesp §2 to §6, §10.
struct HespTraining {
  std::string init = {};                ///< bundle that both towers come from
  std::vector<std::string> known = {};  ///< classes that train; empty: all, or those of `split`
  std::string split = {};               ///< a published list and the number of a split: "afew:3"
  int epochs = 100;
  int batch = 64;
  int frames = 8;                 ///< per clip
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
  std::string lengths = "own";  ///< matched: all embeddings get the root of the logit scale (ours)
  double margin_weight = 0.1;
  bool augment = true;          ///< mirror images and random crops
  std::string select = "last";  ///< auroc_oscr: the best epoch on the test clips (the code)
  double accept = 0.95;         ///< share of the training clips that the unknown rule lets pass
  std::string name = {};        ///< of the bundle
  std::string licence = {};     ///< of the bundle

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and hesp.* of a recipe.
class HespRecipe : public MethodRecipe {
 public:
  void register_options(OptionSet& set) override;
  Result<std::unique_ptr<Method>> make(const MethodContext& context) const override;

  DataOptions data = {};
  HespTraining training = {};
};

}  // namespace mien::methods
