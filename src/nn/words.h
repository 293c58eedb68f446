#pragma once

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <string>

#include "nn/clip.h"

namespace mien::nn {

/// Sizes of a text tower over whole words. The table has a row for padding, the known words, and
/// buckets of character trigrams.
struct WordTowerOptions {
  int context = 40;
  int words = 0;
  int buckets = 4096;
  int word_width = 100;
  int width = 128;
  int layers = 2;
  int heads = 4;
  int mlp = 512;
  int embed = 256;
  Nonlinearity activation = Nonlinearity::kQuickGelu;
};

/// A text tower over word vectors: the vectors are fixed, the buckets of trigrams train. A class
/// token and learned positions in front of pre-norm blocks without a causal mask, read out at the
/// class token; a projection of the mean word vector is added. Names as below `words.` in a bundle.
class WordTowerImpl : public TextTowerModule {
 public:
  /// Shape: table [words, word_width], the fixed vectors.
  WordTowerImpl(const WordTowerOptions& options, const torch::Tensor& table);
  /// Shape: ids [N, L] int64, zeros behind the text, L <= context -> [N, embed], not normalised.
  torch::Tensor forward(const torch::Tensor& ids);
  /// As forward, from vectors in the place of words, so that some of them can be learned.
  /// Shape: vectors [N, L, word_width], used [N, L] bool (false behind the text) -> [N, embed].
  torch::Tensor forward_vectors(const torch::Tensor& vectors, const torch::Tensor& used);
  torch::Tensor token_vectors(const torch::Tensor& ids) const override;
  std::int64_t token_width() const override { return options_.word_width; }
  torch::Tensor encode_vectors(const torch::Tensor& vectors, const torch::Tensor& lengths) override;
  std::string prefix() const override { return "words."; }

  /// Padding, words and buckets: shape [1 + words + buckets, word_width].
  torch::Tensor whole_table() const;

 private:
  WordTowerOptions options_;
  torch::Tensor table_, buckets_, input_weight_, input_bias_, class_embedding_;
  torch::Tensor positional_embedding_, ln_final_weight_, ln_final_bias_, projection_, bag_;
  std::shared_ptr<ResidualBlocks> transformer_;
};
TORCH_MODULE(WordTower);

}  // namespace mien::nn
