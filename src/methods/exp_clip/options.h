#pragma once

#include <memory>
#include <string>
#include <vector>

#include "methods/kit/training_data.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// How Exp-CLIP trains. The defaults are those of the released code; the teacher is a file of
/// vectors that were computed before. Source: Exp-CLIP (arXiv 2405.19100) and its code;
/// methods-peers §B.
struct ExpClipTraining {
  std::string init = {};     ///< bundle that both towers come from; they stay frozen
  std::string teacher = {};  ///< safetensors below --data with `vectors` [rows, width]
  /// Text file with the sample of each row, one id per line; empty: one row per sample of the
  /// training manifest, in its order
  std::string teacher_ids = {};
  std::string negatives = "local";  ///< gathered: from all processes
  int epochs = 5;
  int batch = 512;
  int frames = 16;                       ///< of a clip, in tests only
  std::string preprocess = "dfer_clip";  ///< resized to a square, no mean and deviation; init
  std::string prompts = "P3";            ///< prompt set of the labels
  std::string class_texts = {};          ///< label file or set instead of `prompts`
  /// Labels of the bundle; empty: the classes that validate, else the seven of DFEW
  std::vector<std::string> labels = {};
  std::string select = "last";  ///< epoch that is kept; war and uar look at the validation part
  std::string name = {};        ///< of the bundle
  std::string licence = {};     ///< of the bundle

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.* and exp-clip.* of a recipe.
class ExpClipRecipe : public MethodRecipe {
 public:
  void register_options(OptionSet& set) override;
  Result<std::unique_ptr<Method>> make(const MethodContext& context) const override;

  DataOptions data = {};
  ExpClipTraining training = {};
};

}  // namespace mien::methods
