#include "methods/kit/tower_options.h"

#include <torch/utils.h>

#include <algorithm>

#include "mien/core/check.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kPackedBatch = 16;  // pictures; the engine's best

nn::Nonlinearity nn_activation(kernels::Activation activation) {
  switch (activation) {
    case kernels::Activation::kGelu: return nn::Nonlinearity::kGelu;
    case kernels::Activation::kGeluTanh: return nn::Nonlinearity::kGeluTanh;
    case kernels::Activation::kQuickGelu:
    case kernels::Activation::kNone:
    case kernels::Activation::kRelu: break;
  }
  return nn::Nonlinearity::kQuickGelu;
}

}  // namespace

nn::ClipOptions clip_options(const engine::Architecture& architecture) {
  const engine::ImageTower& image = architecture.image;
  const engine::TextTower& text = *architecture.text;
  return {.visual = {.image_size = image.image_size,
                     .patch = image.patch,
                     .width = image.width,
                     .layers = image.layers,
                     .heads = image.heads,
                     .mlp = image.mlp,
                     .embed = architecture.embed,
                     .activation = nn_activation(image.activation)},
          .text = {.context = text.context,
                   .vocabulary = text.vocabulary,
                   .width = text.width,
                   .layers = text.layers,
                   .heads = text.heads,
                   .mlp = text.mlp,
                   .embed = architecture.embed,
                   .activation = nn_activation(text.activation)}};
}

nn::ResidualOptions residual_options(const engine::Architecture& architecture) {
  const engine::ResidualSizes& tower = *architecture.image.residual;
  return {.channels = tower.channels,
          .stem_kernel = tower.stem_kernel,
          .stem_stride = tower.stem_stride,
          .stem_width = tower.stem_width,
          .stem_pool = tower.stem_pool,
          .first_stride = tower.first_stride,
          .widths = tower.widths,
          .blocks = tower.blocks,
          .embed = tower.projection ? architecture.embed : 0};
}

nn::WordTowerOptions word_options(const engine::Architecture& architecture, int words,
                                  int buckets) {
  const engine::TextTower& text = *architecture.text;
  return {.context = text.context,
          .words = words,
          .buckets = buckets,
          .word_width = text.word_width,
          .width = text.width,
          .layers = text.layers,
          .heads = text.heads,
          .mlp = text.mlp,
          .embed = architecture.embed,
          .activation = nn_activation(text.activation)};
}

torch::Tensor packed_images(const engine::ImageEncoder& tower, const torch::Tensor& pixels,
                            engine::Session& session) {
  const torch::Tensor input = pixels.contiguous();
  const std::int64_t count = input.size(0);
  torch::Tensor out = torch::empty({count, tower.embed()});
  const std::int64_t each = input.numel() / std::max<std::int64_t>(1, count);
  for (std::int64_t first = 0; first < count; first += kPackedBatch) {
    const Status status =
        tower.encode(input.data_ptr<float>() + first * each, std::min(kPackedBatch, count - first),
                     out.data_ptr<float>() + first * tower.embed(), session);
    // Sizes fit by construction, and there is no other way to fail.
    MIEN_CHECK(status.ok());
  }
  return out;
}

}  // namespace mien::methods
