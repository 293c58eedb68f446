#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/methods/method.h"
#include "mien/nn/clip.h"
#include "mien/nn/temporal.h"
#include "mien/text/tokenizer.h"

namespace mien::methods {

/// Sizes of towers that start from random weights.
struct TowerOptions {
  int embed = 128;
  int image_size = 48;
  int patch = 8;
  int width = 192;
  int layers = 6;
  int heads = 3;
  int text_width = 128;
  int text_layers = 2;
  int text_heads = 2;
  std::string vocabulary = "tiny";  ///< "tiny" (764 tokens) or a CLIP vocabulary file
};

/// What an EmoCLIP model is made of, and what of it trains. The defaults are those of the published
/// code. Source: EmoCLIP (arXiv 2310.16640) and its released code; see docs/methods.md.
struct EmoclipOptions {
  /// Bundle that the towers come from, and the temporal model when it has one of these sizes;
  /// empty: random towers of `tower`
  std::string init = {};
  TowerOptions tower = {};
  std::string temporal = "emoclip";  ///< emoclip, conventional, or none (pictures)
  int temporal_layers = 2;
  /// temporal (both towers frozen), visual, text, both (fine-tuned), all (from scratch)
  std::string trains = "temporal";
  double backbone_lr_factor = 0.001;  ///< rate of fine-tuned towers against the rest

  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

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
  /// Whether the temporal model of the bundle was taken; it is when it has these sizes. Nothing:
  /// the bundle has none.
  std::optional<bool> temporal_given = {};

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
/// kCorrupt for sizes that do not fit together.
Result<EmoclipModel> make_emoclip_model(const EmoclipOptions& options, std::uint64_t seed);

}  // namespace mien::methods
