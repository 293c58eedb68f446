#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "nn/activation.h"
#include "nn/tower.h"

namespace mien::nn {

/// Sizes of CLIP's image tower, a vision transformer with a class token.
struct VitOptions {
  int image_size = 224;
  int patch = 32;
  int width = 768;
  int layers = 12;
  int heads = 12;
  int mlp = 3072;
  int embed = 512;
  Nonlinearity activation = Nonlinearity::kQuickGelu;
};

/// Sizes of CLIP's causal text tower.
struct TextTowerOptions {
  int context = 77;
  int vocabulary = 49408;
  int width = 512;
  int layers = 12;
  int heads = 8;
  int mlp = 2048;
  int embed = 512;
  Nonlinearity activation = Nonlinearity::kQuickGelu;
};

struct ClipOptions {
  VitOptions visual = {};
  TextTowerOptions text = {};
};

/// Trainable pre-norm transformer blocks `resblocks.{i}.*`, as CLIP names them.
class ResidualBlocks : public torch::nn::Module {
 public:
  ResidualBlocks(int width, int layers, int heads, int mlp, Nonlinearity activation);
  /// Shape: [batch, tokens, width] -> the same. `mask` [tokens, tokens] is added to the attention
  /// logits, or is undefined.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& mask);

 private:
  struct Block;
  int heads_;
  Nonlinearity activation_;
  std::vector<std::shared_ptr<Block>> blocks_;
};

/// CLIP's image tower; parameters named as below `visual.` in OpenAI's checkpoints, initialised as
/// CLIP is. Source: arXiv 2103.00020.
class VitImpl : public ImageTowerModule {
 public:
  explicit VitImpl(const VitOptions& options);
  /// Shape: [N, 3, S, S] preprocessed -> [N, embed], not normalised.
  torch::Tensor forward(const torch::Tensor& pixels) override;
  bool has_first_map() const override { return true; }
  torch::Tensor first_map(const torch::Tensor& pixels) override;

 private:
  torch::Tensor conv1_, class_embedding_, positional_embedding_, proj_;
  torch::Tensor ln_pre_weight_, ln_pre_bias_, ln_post_weight_, ln_post_bias_;
  std::shared_ptr<ResidualBlocks> transformer_;
  VitOptions options_;
};
TORCH_MODULE(Vit);

/// CLIP's text tower; parameters named as at the top of OpenAI's checkpoints.
class TextTowerImpl : public TextTowerModule {
 public:
  explicit TextTowerImpl(const TextTowerOptions& options);
  /// Shape: token ids [N, context] int64 -> [N, embed], not normalised. Read at the first place of
  /// the largest id (the end token).
  torch::Tensor forward(const torch::Tensor& tokens);

  torch::Tensor token_vectors(const torch::Tensor& ids) const override;
  std::int64_t token_width() const override { return token_embedding_.size(1); }
  torch::Tensor encode_vectors(const torch::Tensor& vectors,
                               const torch::Tensor& lengths) override {
    return forward_vectors(vectors, lengths - 1);  // the end token is the last one
  }
  std::string prefix() const override { return {}; }
  /// As encode_vectors, with the places of the end tokens.
  /// Shape: vectors [N, L, width], L <= context, ends [N] int64 (place of the end token) ->
  /// [N, embed].
  torch::Tensor forward_vectors(const torch::Tensor& vectors, const torch::Tensor& ends) const;

 private:
  torch::Tensor token_embedding_, positional_embedding_, text_projection_;
  torch::Tensor ln_final_weight_, ln_final_bias_, mask_;
  std::shared_ptr<ResidualBlocks> transformer_;
};
TORCH_MODULE(TextTower);

/// Both towers with OpenAI's names: `visual.*`, and the text tower's names at the top.
class ClipImpl : public torch::nn::Module {
 public:
  explicit ClipImpl(const ClipOptions& options);
  torch::Tensor encode_image(const torch::Tensor& pixels) { return visual_->forward(pixels); }
  torch::Tensor encode_text(const torch::Tensor& tokens) { return text_->forward(tokens); }
  const Vit& visual() const { return visual_; }
  const TextTower& text() const { return text_; }
  /// Every parameter by its published name.
  std::vector<std::pair<std::string, torch::Tensor>> published() const;

 private:
  Vit visual_{nullptr};
  TextTower text_{nullptr};
};
TORCH_MODULE(Clip);

}  // namespace mien::nn
