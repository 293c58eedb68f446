#include "methods/kit/tower_table.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

#include "mien/core/check.h"
#include "nn/load.h"
#include "nn/swin.h"
#include "nn/words.h"
#include "text/words.h"

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

nn::VitOptions vit_options(const engine::VitSizes& sizes, int embed) {
  return {.image_size = sizes.image_size,
          .patch = sizes.patch,
          .width = sizes.width,
          .layers = sizes.layers,
          .heads = sizes.heads,
          .mlp = sizes.mlp,
          .embed = embed,
          .activation = nn_activation(sizes.activation)};
}

nn::TextTowerOptions clip_text_options(const engine::ClipTextSizes& sizes, int embed) {
  return {.context = sizes.context,
          .vocabulary = sizes.vocabulary,
          .width = sizes.width,
          .layers = sizes.layers,
          .heads = sizes.heads,
          .mlp = sizes.mlp,
          .embed = embed,
          .activation = nn_activation(sizes.activation)};
}

}  // namespace

nn::ClipOptions clip_options(const engine::VitSizes& image, const engine::ClipTextSizes& text,
                             int embed) {
  return {.visual = vit_options(image, embed), .text = clip_text_options(text, embed)};
}

nn::ResidualOptions residual_options(const engine::ResidualSizes& sizes, int embed) {
  return {.channels = sizes.channels,
          .stem_kernel = sizes.stem_kernel,
          .stem_stride = sizes.stem_stride,
          .stem_width = sizes.stem_width,
          .stem_pool = sizes.stem_pool,
          .first_stride = sizes.first_stride,
          .widths = sizes.widths,
          .blocks = sizes.blocks,
          .embed = sizes.projection ? embed : 0};
}

namespace {

// One function per alternative of engine::ImageTower and engine::TextTower; std::visit does not
// compile when one is missing.

std::shared_ptr<nn::ImageTowerModule> make_tower(const engine::VitSizes& sizes, int embed,
                                                 const TowerTraining& /*training*/) {
  return std::make_shared<nn::VitImpl>(vit_options(sizes, embed));
}

std::shared_ptr<nn::ImageTowerModule> make_tower(const engine::ResidualSizes& sizes, int embed,
                                                 const TowerTraining& /*training*/) {
  return std::make_shared<nn::ResidualTowerImpl>(residual_options(sizes, embed));
}

std::shared_ptr<nn::ImageTowerModule> make_tower(const engine::SwinSizes& sizes, int embed,
                                                 const TowerTraining& training) {
  return std::make_shared<nn::SwinImpl>(nn::SwinOptions{.image_size = sizes.image_size,
                                                        .patch = sizes.patch,
                                                        .width = sizes.width,
                                                        .depths = sizes.depths,
                                                        .heads = sizes.heads,
                                                        .window = sizes.window,
                                                        .mlp_ratio = sizes.mlp_ratio,
                                                        .embed = embed,
                                                        .feature_head = sizes.feature_head,
                                                        .drop_path = training.drop_path});
}

Result<std::shared_ptr<nn::TextTowerModule>> load_tower(const engine::ClipTextSizes& sizes,
                                                        const engine::Bundle& bundle,
                                                        const text::Tokenizer& /*tokenizer*/) {
  auto out = std::make_shared<nn::TextTowerImpl>(
      clip_text_options(sizes, bundle.info().architecture.embed));
  MIEN_RETURN_IF_ERROR(nn::load_by_name(out->published(), bundle.weights(), {.strict = false}));
  return std::shared_ptr<nn::TextTowerModule>(std::move(out));
}

// The table is stored in int8 with a factor per row; the rows of trigrams are trained further.
Result<std::shared_ptr<nn::TextTowerModule>> load_tower(const engine::WordTextSizes& sizes,
                                                        const engine::Bundle& bundle,
                                                        const text::Tokenizer& tokenizer) {
  const checkpoint::Checkpoint& weights = bundle.weights();
  const auto* words = dynamic_cast<const text::WordTokenizer*>(&tokenizer);
  const TensorView* table = weights.find("words.table");
  const TensorView* scale = weights.find("words.scale");
  MIEN_CHECK(words != nullptr && table != nullptr && scale != nullptr);
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor factors, nn::to_torch(*scale));
  const torch::Tensor bytes = torch::from_blob(const_cast<std::byte*>(table->bytes().data()),
                                               {table->dim(0), table->dim(1)}, torch::kInt8);
  const torch::Tensor rows = bytes.to(torch::kFloat32) * factors.view({-1, 1});
  const nn::WordTowerOptions options = {.context = sizes.context,
                                        .words = words->words(),
                                        .buckets = words->buckets(),
                                        .word_width = sizes.word_width,
                                        .width = sizes.width,
                                        .layers = sizes.layers,
                                        .heads = sizes.heads,
                                        .mlp = sizes.mlp,
                                        .embed = bundle.info().architecture.embed,
                                        .activation = nn_activation(sizes.activation)};
  auto out =
      std::make_shared<nn::WordTowerImpl>(options, rows.narrow(0, 1, words->words()).clone());
  std::vector<std::pair<std::string, torch::Tensor>> stored;
  for (const auto& [name, tensor] : out->published()) {
    if (name != "buckets") {
      stored.emplace_back(name, tensor);
      continue;
    }
    const at::NoGradGuard no_grad;
    torch::Tensor(tensor).copy_(rows.narrow(0, 1 + words->words(), words->buckets()));
  }
  MIEN_RETURN_IF_ERROR(
      nn::load_by_name(stored, weights, {.prefix = out->prefix(), .strict = false}));
  return std::shared_ptr<nn::TextTowerModule>(std::move(out));
}

}  // namespace

std::shared_ptr<nn::ImageTowerModule> make_image_tower(const engine::ImageTower& tower, int embed,
                                                       const TowerTraining& training) {
  return std::visit([&](const auto& sizes) { return make_tower(sizes, embed, training); }, tower);
}

Result<std::shared_ptr<nn::TextTowerModule>> load_text_tower(const engine::TextTower& tower,
                                                             const engine::Bundle& bundle,
                                                             const text::Tokenizer& tokenizer) {
  return std::visit([&](const auto& sizes) { return load_tower(sizes, bundle, tokenizer); }, tower);
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
