#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "methods/kit/nearest_words.h"
#include "methods/kit/towers.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

struct PromptOptions {
  std::string around = "an ID photo of {}.";  ///< the learned tokens replace {}
  int per_class = 5;                          ///< K: descriptors
  int tokens = 4;                             ///< M: learned tokens of a descriptor
  double init_std = 0.001;
};

/// A template with placeholders at the learned positions, without start and end tokens.
struct PromptIds {
  std::vector<std::int32_t> ids;
  std::int64_t first = 0;  ///< position of the first learned token
};
/// Errors: kInvalidArgument for a template without one {}; those of the tokenizer.
Result<PromptIds> prompt_ids(const text::Tokenizer& tokenizer, const std::string& around,
                             int tokens);

/// Multiple expression text descriptors: K texts per class that share a template without the
/// class's name, each with M input vectors of its own that train. Source: CLIPER (arXiv
/// 2303.00193).
class PromptLearner {
 public:
  /// Errors: kInvalidArgument for a template without one {}, no class, K or M below 1, or a text
  /// that does not fit the tower.
  static Result<PromptLearner> make(const Towers& towers, const PromptOptions& options,
                                    std::int64_t classes);

  /// The trained vectors. Shape: [classes * K, M, W]; descriptor k of class c is row c * K + k.
  const torch::Tensor& vectors() const { return vectors_; }
  /// Ids of the template with an `X` at every learned position, including start and end tokens.
  const std::vector<std::int32_t>& ids() const { return ids_; }
  /// Position of the first learned token in ids().
  std::int64_t first() const { return first_; }

  /// Runs the text tower. Shape: -> [classes * K, embed], unit rows.
  torch::Tensor encode(Towers& towers) const;

  /// nearest_words of vectors().
  std::vector<engine::LearnedText> nearest(const Towers& towers, int count) const {
    return nearest_words(towers, vectors_, count);
  }

 private:
  std::vector<std::int32_t> ids_;
  std::int64_t first_ = 0;
  torch::Tensor vectors_;
};

}  // namespace mien::methods
