#pragma once

#include <torch/types.h>

#include <memory>

#include "mien/core/status.h"
#include "mien/engine/bundle.h"
#include "nn/clip.h"
#include "nn/residual.h"
#include "nn/tower.h"
#include "text/tokenizer.h"

namespace mien::methods {

/// How a tower trains, beside its sizes.
struct TowerTraining {
  double drop_path = 0;  ///< probability that the last block is left out, where a kind has that
};

/// The trainable twin of an image tower of any kind, with random weights.
std::shared_ptr<nn::ImageTowerModule> make_image_tower(const engine::ImageTower& tower, int embed,
                                                       const TowerTraining& training = {});
/// The trainable twin of a text tower of any kind, with the weights of a bundle. Precondition: the
/// bundle has such a tower, and the tokenizer is its own.
Result<std::shared_ptr<nn::TextTowerModule>> load_text_tower(const engine::TextTower& tower,
                                                             const engine::Bundle& bundle,
                                                             const text::Tokenizer& tokenizer);

/// Sizes for methods that name the kind they train.
nn::ClipOptions clip_options(const engine::VitSizes& image, const engine::ClipTextSizes& text,
                             int embed);
nn::ResidualOptions residual_options(const engine::ResidualSizes& sizes, int embed);

/// A frozen image tower in the engine's form, about twice as fast as the trainable one.
/// Shape: pixels [N, 3, S, S] -> [N, embed], not normalised, without a graph.
torch::Tensor packed_images(const engine::ImageEncoder& tower, const torch::Tensor& pixels,
                            engine::Session& session);

}  // namespace mien::methods
