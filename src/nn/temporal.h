#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <vector>

namespace mien::nn {

/// Sizes of the temporal transformer. The defaults are EmoCLIP's, whose code swaps what the names
/// suggest: every head is 2048 wide and the MLP 512. A conventional one has head_width 64 and
/// mlp 4 * width.
struct TemporalOptions {
  int width = 512;
  int layers = 2;
  int heads = 8;
  int head_width = 2048;
  int mlp = 512;
  int positions = 1024;  ///< frames + 1 at most
};

/// Mixes frame embeddings into one clip embedding; trainable. Parameters named as below `temporal.`
/// in EmoCLIP's checkpoints. Class token and positions start as N(0, 1), linear layers as PyTorch's
/// default. No norm after the last block. Source: EmoCLIP (arXiv 2310.16640) and its code.
class TemporalTransformerImpl : public torch::nn::Module {
 public:
  explicit TemporalTransformerImpl(const TemporalOptions& options);
  /// Shape: [batch, frames, width] -> [batch, width], frames < positions.
  torch::Tensor forward(const torch::Tensor& frames_btw);

 private:
  struct Block;
  TemporalOptions options_;
  torch::Tensor cls_token_, pos_embedding_;
  std::vector<std::shared_ptr<Block>> blocks_;
};
TORCH_MODULE(TemporalTransformer);

}  // namespace mien::nn
