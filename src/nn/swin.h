#pragma once

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/tower.h"

namespace mien::nn {

/// Sizes of a Swin transformer. The defaults are Swin-T on faces of 112 pixels with the feature
/// head of face recognition; torchvision's Swin-T is image 224, patch 4, without the head.
struct SwinOptions {
  int image_size = 112;
  int patch = 2;
  int width = 96;  ///< of the first stage; each following one is twice as wide on half the grid
  std::vector<int> depths = {2, 2, 6, 2};
  std::vector<int> heads = {3, 6, 12, 24};
  int window = 7;
  int mlp_ratio = 4;
  int embed = 512;           ///< with the feature head; without it: the width of the last stage
  bool feature_head = true;  ///< linear, batch norm, linear, batch norm behind the mean
  double drop_path = 0.1;    ///< of the last block; rises linearly from 0
};

/// A trainable Swin transformer, read out as the mean over all places of the last layer norm, with
/// or without a feature head. Tensors are named as in Microsoft's release, which SwinFace follows
/// (patch_embed.proj, layers.0.blocks.0.attn.qkv, layers.0.downsample.reduction, norm, feature.0).
/// Source: "Swin Transformer" (arXiv 2103.14030); the head is SwinFace's (arXiv 2308.11509).
class SwinImpl : public ImageTowerModule {
 public:
  /// Precondition: the grid of every stage is a multiple of the window.
  explicit SwinImpl(const SwinOptions& options);

  /// Shape: pixels [N, 3, S, S] preprocessed -> [N, embed], not normalised. While training, batch
  /// statistics (N > 1 with a feature head) and dropped paths.
  torch::Tensor forward(const torch::Tensor& pixels) override;

 private:
  struct Block;
  struct Merge {
    torch::Tensor norm_weight, norm_bias, reduction;
  };
  struct BatchNorm {
    torch::Tensor weight, bias, mean, variance;
  };
  BatchNorm add_batch_norm(const std::string& path, int width);
  torch::Tensor normalise(const torch::Tensor& x, const BatchNorm& norm) const;
  std::shared_ptr<Block> add_block(int stage, int number);
  torch::Tensor run(const torch::Tensor& x, const Block& block) const;
  torch::Tensor attend(const torch::Tensor& x, const Block& block) const;
  torch::Tensor drop(const torch::Tensor& x, double share) const;
  static torch::Tensor merge(const torch::Tensor& x, const Merge& part);

  SwinOptions options_;
  torch::Tensor index_;  ///< place in the table of biases, by pair of tokens of a window
  torch::Tensor patch_weight_, patch_bias_, patch_norm_weight_, patch_norm_bias_;
  torch::Tensor norm_weight_, norm_bias_, feature_in_, feature_out_;
  BatchNorm feature_in_norm_, feature_out_norm_;
  std::vector<std::vector<std::shared_ptr<Block>>> stages_;
  std::vector<Merge> merges_;
};
TORCH_MODULE(Swin);

}  // namespace mien::nn
