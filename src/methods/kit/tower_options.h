#pragma once

#include <torch/types.h>

#include "mien/engine/architecture.h"
#include "mien/engine/encoders.h"
#include "nn/clip.h"
#include "nn/residual.h"
#include "nn/words.h"

namespace mien::methods {

/// The sizes of a bundle's towers for their trainable twins. Precondition: it has such towers.
nn::ClipOptions clip_options(const engine::Architecture& architecture);
nn::ResidualOptions residual_options(const engine::Architecture& architecture);
/// Shape: `words` of the tower's vocabulary are known words, `buckets` stand for trigrams.
nn::WordTowerOptions word_options(const engine::Architecture& architecture, int words, int buckets);

/// A frozen image tower in the engine's form, about twice as fast as the trainable one.
/// Shape: pixels [N, 3, S, S] -> [N, embed], not normalised, without a graph.
torch::Tensor packed_images(const engine::ImageEncoder& tower, const torch::Tensor& pixels,
                            engine::Session& session);

}  // namespace mien::methods
