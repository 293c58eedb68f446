#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/kit/training_data.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// How ARPL trains on embeddings of a frozen image tower: a matrix that starts as identity, one
/// point per class that the class should be far from, and a radius. The defaults are those of the
/// released code; that the tower is frozen and a matrix trains instead is how methods-hesp §12
/// reads it for CLIP. Source: ARPL (arXiv 2103.00953).
struct ArplTraining {
  std::string init = {};                ///< bundle that the towers come from
  std::vector<std::string> known = {};  ///< classes that train; empty: all, or those of `split`
  std::string split = {};               ///< a published list and the number of a split: "afew:3"
  int epochs = 100;
  int batch = 64;
  int frames = 8;          ///< per clip
  bool adapter = true;     ///< false: the embeddings as they are
  double init_std = 0.1;   ///< of the points
  double temperature = 1;  ///< the scores are divided by it
  double margin_weight = 0.1;
  std::string lengths = "own";  ///< matched: all embeddings get the root of the logit scale (ours)
  std::string select = "last";  ///< auroc_oscr: the best epoch on the test clips
  double accept = 0.95;         ///< share of the training clips that the unknown rule lets pass
  std::string name = {};        ///< of the bundle
  std::string licence = {};     ///< of the bundle

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and arpl.* of a recipe.
class ArplRecipe : public MethodRecipe {
 public:
  void register_options(OptionSet& set) override;
  Result<std::unique_ptr<Method>> make(const MethodContext& context) const override;

  DataOptions data = {};
  ArplTraining training = {};
};

}  // namespace mien::methods
