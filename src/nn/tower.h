#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mien::nn {

/// A trainable image tower of any kind. Names of its tensors are those of a bundle without
/// `visual.`.
class ImageTowerModule : public torch::nn::Module {
 public:
  /// Shape: pixels [N, 3, S, S] preprocessed -> [N, embed], not normalised.
  virtual torch::Tensor forward(const torch::Tensor& pixels) = 0;

  virtual bool has_first_map() const { return false; }
  /// What the first layer makes of every place, the activation behind a convolution with a norm
  /// included. Shape: pixels [N, 3, S, S] -> [N, channels, h, w]. Precondition: has_first_map().
  virtual torch::Tensor first_map(const torch::Tensor& pixels);

  /// Every tensor that a bundle needs, running statistics included.
  std::vector<std::pair<std::string, torch::Tensor>> published() const;
};

/// A trainable text tower of any kind.
class TextTowerModule : public torch::nn::Module {
 public:
  /// Input vectors of tokens. Shape: ids [...] int64 -> [..., token_width()].
  virtual torch::Tensor token_vectors(const torch::Tensor& ids) const = 0;
  virtual std::int64_t token_width() const = 0;
  /// From vectors in the place of tokens, so that some of them can be learned. Shape: vectors
  /// [N, L, token_width()], zero behind the end of a text; lengths [N] int64, end tokens included
  /// -> [N, embed], not normalised.
  virtual torch::Tensor encode_vectors(const torch::Tensor& vectors,
                                       const torch::Tensor& lengths) = 0;
  /// What stands in front of the names of published() in a bundle: "words." or nothing.
  virtual std::string prefix() const = 0;
  /// Trainable tensors by name without prefix().
  std::vector<std::pair<std::string, torch::Tensor>> published() const;
};

}  // namespace mien::nn
