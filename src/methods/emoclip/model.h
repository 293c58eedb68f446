#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "methods/emoclip/options.h"
#include "mien/core/log.h"
#include "mien/engine/bundle.h"
#include "mien/methods/method.h"
#include "nn/clip.h"
#include "nn/temporal.h"
#include "text/tokenizer.h"

namespace mien::methods {

/// The towers, the temporal model and the learnable logit scale.
struct EmoclipModel {
  engine::Architecture architecture;
  nn::Clip clip{nullptr};
  nn::TemporalTransformer temporal{nullptr};  ///< empty: a clip is the mean of its frames
  torch::Tensor tau;                          ///< log of the factor of the cosines; scalar
  std::shared_ptr<const text::Tokenizer> tokenizer;
  /// The frozen image tower of a bundle in the engine's form, about twice as fast; nullptr when the
  /// tower trains or is random.
  std::shared_ptr<const engine::ImageEncoder> packed;
  engine::Session session;
  bool trains_visual = false;
  bool trains_text = false;

  /// Shape: pixels [clips, frames, 3, S, S] -> frame embeddings [clips, frames, embed]. Without
  /// autograd while the image tower is frozen.
  torch::Tensor frames(const torch::Tensor& pixels);
  /// Shape: frame embeddings [clips, frames, embed] -> unit clip embeddings [clips, embed].
  torch::Tensor clips(const torch::Tensor& frames);
  /// Shape: tokens [texts, context] int64 -> unit embeddings [texts, embed].
  torch::Tensor texts(const torch::Tensor& tokens);

  /// Every tensor by the name that a bundle has for it.
  NamedTorchTensors named() const;
  /// What trains, in groups, after methods-emoclip's freezing modes: the temporal model and tau
  /// always; of the text tower, when it is fine-tuned, the blocks only. Sets requires_grad.
  std::vector<ParameterGroup> groups(const EmoclipOptions& options);
};

/// Errors: those of validate() and of the bundle; kUnsupported for a bundle without a text tower;
/// kCorrupt for sizes that do not fit together. Logs to `log` if the bundle's temporal model is not
/// used because its sizes differ.
Result<EmoclipModel> make_emoclip_model(const EmoclipOptions& options, std::uint64_t seed,
                                        const LogSink& log = {});

}  // namespace mien::methods
