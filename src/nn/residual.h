#pragma once

#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "nn/tower.h"

namespace mien::nn {

/// Sizes of a residual network of basic blocks (two convolutions of 3 x 3). The defaults are those
/// of the compact bundle; torchvision's ResNet-18 is stem 64 of 7 x 7 with stride 2, pooled, first
/// stride 1, widths 64 to 512.
struct ResidualOptions {
  int channels = 1;  ///< 1: grey, the first plane of the picture
  int stem_kernel = 3;
  int stem_stride = 1;
  int stem_width = 32;
  bool stem_pool = false;  ///< 3 x 3 maximum with stride 2 behind the stem
  int first_stride = 2;    ///< of the first stage; the others halve the picture
  std::vector<int> widths = {48, 96, 192, 384};
  std::vector<int> blocks = {2, 2, 2, 2};
  int embed = 256;  ///< 0: no projection, the features are the result
};

/// A trainable residual tower, read out as the mean over all places times a projection. Tensors are
/// named as torchvision names those of its ResNets (conv1, bn1, layer1.0.conv1, ...
/// downsample.0), and `proj` [features, embed] (unless there is none) as in CLIP. Source: "Deep
/// Residual Learning for Image Recognition" (arXiv 1512.03385).
class ResidualTowerImpl : public ImageTowerModule {
 public:
  explicit ResidualTowerImpl(const ResidualOptions& options);

  /// Shape: pixels [N, 3, S, S] preprocessed (of a grey tower also [N, 1, S, S]) -> features
  /// [N, widths.back()]. Batch statistics while training, running ones else.
  torch::Tensor features(const torch::Tensor& pixels);
  bool has_first_map() const override { return true; }
  torch::Tensor first_map(const torch::Tensor& pixels) override;
  /// Shape: features -> [N, embed], not normalised; without a projection the features themselves.
  torch::Tensor project(const torch::Tensor& features);
  torch::Tensor forward(const torch::Tensor& pixels) override { return project(features(pixels)); }

 private:
  struct Norm {
    torch::Tensor weight, bias, mean, variance;
  };
  struct Block {
    torch::Tensor conv1, conv2, shortcut;
    Norm norm1, norm2, shortcut_norm;
    int stride = 1;
  };
  Norm add_batch_norm(const std::string& path, int width);
  torch::Tensor normalise(const torch::Tensor& x, const Norm& norm) const;
  torch::Tensor run(const torch::Tensor& x, const Block& block) const;

  ResidualOptions options_;
  torch::Tensor stem_, proj_;
  Norm stem_norm_;
  std::vector<Block> blocks_;
};
TORCH_MODULE(ResidualTower);

}  // namespace mien::nn
