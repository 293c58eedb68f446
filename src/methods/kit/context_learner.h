#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "methods/kit/towers.h"
#include "mien/core/options.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

struct ContextOptions {
  int tokens = 8;             ///< M: learned tokens
  std::string place = "end";  ///< of the text: after the learned tokens; front, middle
  bool shared = false;        ///< one context for all classes
  double init_std = 0.02;

  void register_options(OptionSet& set);
};

/// Texts with learned input vectors: a context of M vectors per class (or one for all) before,
/// after or on both sides of each written text. Source: DFER-CLIP (arXiv 2308.13382), which takes
/// it from CoOp (arXiv 2109.01134).
class ContextLearner {
 public:
  /// Errors: kInvalidArgument without a text, for M below 1, or a text that does not fit the tower.
  static Result<ContextLearner> make(const Towers& towers, const ContextOptions& options,
                                     const std::vector<std::string>& texts);

  /// What trains. Shape: [texts or 1, M, W].
  const torch::Tensor& vectors() const { return vectors_; }
  /// Ids of the texts with `X` in place of the learned tokens, padded with 0. Shape: [texts, L].
  const torch::Tensor& ids() const { return ids_; }
  /// Shape: [texts] int64, start and end tokens included.
  const torch::Tensor& lengths() const { return lengths_; }
  /// Positions of the learned tokens in ids(). Shape: [texts, M] int64.
  const torch::Tensor& places() const { return places_; }

  /// Runs the text tower. Shape: -> [texts, embed], unit rows.
  torch::Tensor encode(Towers& towers) const;
  /// nearest_words of every text's context.
  std::vector<engine::LearnedText> nearest(const Towers& towers, int count) const;

 private:
  torch::Tensor vectors_, ids_, lengths_, places_;
};

}  // namespace mien::methods
