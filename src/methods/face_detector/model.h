#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "mien/engine/detector.h"
#include "mien/methods/method.h"

namespace mien::methods {

/// Answers of a place while it trains: score (before the sigmoid), box, points. A bundle has two
/// factors of a score; both get this one, so that their geometric mean is it.
constexpr int kPlaceAnswers = 15;

/// The trainable twin of engine's networks over a feature pyramid. Batch norm behind every layer
/// but those that answer; folded() takes it into the layers.
class PyramidNetImpl : public torch::nn::Module {
 public:
  explicit PyramidNetImpl(const engine::PyramidSizes& sizes);

  /// Shape: pictures [N, 3, H, W], RGB, 0 to 255, H and W multiples of the coarsest stride ->
  /// [N, places, kPlaceAnswers], level by level from the finest, line by line.
  torch::Tensor forward(const torch::Tensor& pictures);
  /// Every tensor that a checkpoint needs, running statistics included.
  NamedTorchTensors published() const;
  /// The tensors of a bundle, as detector_tensors names them.
  NamedTorchTensors folded() const;
  /// How much of its running statistics the next batch in training replaces, 0 to 1; the n-th of a
  /// plain mean replaces 1 / n.
  void set_momentum(double momentum) { momentum_ = momentum; }
  void reset_momentum();
  const engine::PyramidSizes& sizes() const { return sizes_; }

 private:
  struct Norm {
    torch::Tensor weight, bias, mean, variance;
  };
  struct Layer {
    std::string name;
    torch::Tensor point, depth;
    Norm norm;
    torch::Tensor bias;  ///< instead of a norm, of the layers that answer
  };
  Norm add_norm(const std::string& name, int width);
  Layer add_layer(const std::string& name, int in, int out, bool answers);
  torch::Tensor normalise(const torch::Tensor& x, const Norm& norm) const;
  torch::Tensor run(const torch::Tensor& x, const Layer& layer) const;

  engine::PyramidSizes sizes_;
  double momentum_;
  torch::Tensor stem_;
  Norm stem_norm_;
  std::vector<std::vector<Layer>> stages_;
  std::vector<Layer> laterals_, answers_;
  std::vector<std::vector<Layer>> shared_;
};
TORCH_MODULE(PyramidNet);

/// Where the places of a picture are. Shape: -> [places, 3]: x, y and stride in pixels.
torch::Tensor place_grid(const engine::PyramidSizes& sizes, std::int64_t height,
                         std::int64_t width);

/// What answers say, in pixels. Shape: scores [...] before the sigmoid, boxes [..., 4] as centre,
/// width and height, points [..., 10] as x, y of each.
struct FaceAnswers {
  torch::Tensor scores, boxes, points;
};
/// Shape: answers [..., kPlaceAnswers], grid [..., 3].
FaceAnswers decode_answers(const torch::Tensor& answers, const torch::Tensor& grid);

}  // namespace mien::methods
