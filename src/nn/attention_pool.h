#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace mien::nn {

/// Mixes frame embeddings into one by attention; trainable. The weight of a frame is the softmax
/// over the clip of w . tanh(W [u, u - m, n - m] + b), with u the unit embedding of the frame, m
/// the mean of all u, and n the mean of u and its neighbours (the first and last frame are their
/// own). The answer is the weighted mean of the u, so it stays among the frames: of a clip that
/// does not change it is the frame itself, and free words mean for it what they mean for pictures.
/// Starts as the plain mean (w = 0). Parameters `score.0` and `score.2`. Source: ours.
class AttentionPoolImpl : public torch::nn::Module {
 public:
  AttentionPoolImpl(int width, int hidden);
  /// Shape: [batch, frames, width] -> [batch, width].
  torch::Tensor forward(const torch::Tensor& frames_btw);

 private:
  torch::Tensor weight_, bias_, score_;
};
TORCH_MODULE(AttentionPool);

}  // namespace mien::nn
