#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

/// Sizes of CLIP's vision transformer with a class token.
struct VitSizes {
  int image_size = 0;  ///< pixels of a side
  int patch = 0;
  int width = 0;
  int layers = 0;
  int heads = 0;
  int mlp = 0;
  kernels::Activation activation = kernels::Activation::kQuickGelu;

  /// Tokens of a picture, the class token included.
  int tokens() const { return (image_size / patch) * (image_size / patch) + 1; }
  bool operator==(const VitSizes&) const = default;
};

/// Sizes of a residual network of basic blocks with torchvision's names; its output is the mean
/// over all positions.
struct ResidualSizes {
  int image_size = 0;  ///< pixels of a side
  int channels = 1;    ///< 1: grey, the first plane of a picture; or 3
  int stem_kernel = 3;
  int stem_stride = 1;
  int stem_width = 32;
  bool stem_pool = false;        ///< 3 x 3 max pooling with stride 2 after the stem
  int first_stride = 2;          ///< of the first stage; the others have stride 2
  std::vector<int> widths = {};  ///< channels per stage
  std::vector<int> blocks = {};  ///< basic blocks per stage
  bool projection = true;        ///< false: the features are the embedding, `visual.proj` is absent

  bool operator==(const ResidualSizes&) const = default;
};

/// Sizes of a Swin transformer with the names of Microsoft's release; its output is the mean of the
/// last layer norm over all positions.
struct SwinSizes {
  int image_size = 0;  ///< pixels of a side
  int patch = 0;
  int width = 0;                 ///< of the first stage; each later one is twice as wide
  std::vector<int> depths = {};  ///< blocks per stage
  std::vector<int> heads = {};   ///< per stage
  int window = 0;                ///< positions on a side; divides the grid of every stage
  int mlp_ratio = 0;
  bool feature_head = false;  ///< linear, batch norm, linear, batch norm after the mean

  /// Width of the last stage. Precondition: at least one stage.
  int last_width() const { return width << (depths.size() - 1); }
  bool operator==(const SwinSizes&) const = default;
};

/// Sizes of an image tower, by kind. Every kind has an `image_size`. A kind is an alternative here
/// and a row in src/engine/towers/table.h; see docs/architecture.md.
using ImageTower = std::variant<VitSizes, ResidualSizes, SwinSizes>;

/// Sizes of CLIP's causal transformer over byte pairs; its output is read at the end token.
struct ClipTextSizes {
  int context = 0;
  int vocabulary = 0;
  int width = 0;
  int layers = 0;
  int heads = 0;
  int mlp = 0;
  kernels::Activation activation = kernels::Activation::kQuickGelu;

  bool operator==(const ClipTextSizes&) const = default;
};

/// Sizes of a transformer over whole words with fixed vectors; its output is a class token, and all
/// tokens see each other.
struct WordTextSizes {
  int context = 0;
  int word_width = 0;  ///< of the word vectors
  int vocabulary = 0;
  int width = 0;
  int layers = 0;
  int heads = 0;
  int mlp = 0;
  kernels::Activation activation = kernels::Activation::kQuickGelu;

  bool operator==(const WordTextSizes&) const = default;
};

/// Sizes of a text tower, by kind. Every kind has a `context` and a `vocabulary`.
using TextTower = std::variant<ClipTextSizes, WordTextSizes>;

/// Sizes of a transformer over frame embeddings: class token and learned positions before pre-norm
/// blocks; its output is the class token. Head and MLP widths are explicit, because EmoCLIP's
/// published module has heads of 2048 and an MLP of 512.
struct TemporalTransformerSizes {
  int width = 0;  ///< of a frame embedding, which is that of the joint space
  int layers = 0;
  int heads = 0;
  int head_width = 0;
  int mlp = 0;
  int positions = 0;  ///< maximum number of frames + 1
  kernels::Activation activation = kernels::Activation::kGeluTanh;

  bool operator==(const TemporalTransformerSizes&) const = default;
};

/// Sizes of attention pooling: a weighted mean of the unit frame embeddings.
struct AttentionPoolSizes {
  int width = 0;      ///< of a frame embedding, which is that of the joint space
  int hidden = 0;     ///< units of the layer that scores a frame
  int positions = 0;  ///< maximum number of frames + 1

  bool operator==(const AttentionPoolSizes&) const = default;
};

/// Sizes of a temporal model over frame embeddings, by kind. Every kind has a `width` and
/// `positions`.
using TemporalTower = std::variant<TemporalTransformerSizes, AttentionPoolSizes>;

/// Side in pixels of the pictures that a tower reads.
int image_size_of(const ImageTower& tower);
/// Maximum number of token ids of a text.
int context_of(const TextTower& tower);
/// Number of token ids.
int vocabulary_of(const TextTower& tower);
/// Maximum number of frames of a clip.
int max_frames_of(const TemporalTower& tower);

/// The network that predicts the embedding of the same face without an expression (linear, relu,
/// linear), and the distances from it that mean intensity 0 and 1. See mien/engine/neutral.h.
struct NeutralNetwork {
  int hidden = 0;
  double from = 0;
  double to = 0;

  bool operator==(const NeutralNetwork&) const = default;
};

/// Sizes of a regression on the clip embedding before normalisation: a linear probe, or two layers
/// with ReLU between. Source: EmoCLIP's downstream model (arXiv 2310.16640 and its code).
struct RegressionHead {
  int hidden = 0;   ///< of the two layers; 0: a linear probe
  int targets = 0;  ///< number of outputs

  bool operator==(const RegressionHead&) const = default;
};

/// A learned patch that is added to every preprocessed picture before the image tower reads it.
/// Source: HESP's visual prompting (arXiv 2404.17100).
struct PixelPrompt {
  int size = 0;  ///< side of the square
  int row = 0;   ///< its upper left corner
  int col = 0;
  /// Known labels; 0: the patch is at row and col. Otherwise the first picture of a clip determines
  /// its position in the whole clip, see ImageEncoder::places.
  int labels = 0;

  bool operator==(const PixelPrompt&) const = default;
};

/// Reciprocal points: points in the joint space that a class is far from, one per label. See
/// mien/engine/reciprocal.h.
struct ReciprocalPoints {
  int labels = 0;
  bool adapter = false;        ///< a matrix changes the embedding first (ARPL)
  double cosine_weight = 0.5;  ///< weight in the score of logit scale times cosine
  double distance_weight = 0.5;
  double length = 0;  ///< embeddings are first scaled to this length; 0: not scaled

  bool operator==(const ReciprocalPoints&) const = default;
};

/// The sizes of a model. They are stored in the bundle; nothing is guessed at load time.
struct Architecture {
  int embed = 0;  ///< width of the joint space
  ImageTower image;
  std::optional<TextTower> text;
  std::optional<TemporalTower> temporal;  ///< none: a clip is the mean of its frames
  std::optional<NeutralNetwork> neutral;  ///< none: no intensity
  std::optional<RegressionHead> regression = {};
  std::optional<PixelPrompt> prompt = {};
  std::optional<ReciprocalPoints> reciprocal = {};

  bool operator==(const Architecture&) const = default;
  /// Pixels of a side of the pictures that the image tower reads.
  int image_size() const { return image_size_of(image); }
  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt for missing or unknown keys, sizes out of
  /// range, sizes that do not divide; kUnsupported for an unknown type of tower.
  static Result<Architecture> parse(const Json& json, std::string_view subject);
  /// Errors: kCorrupt, as parse().
  Status validate(std::string_view subject) const;
  /// Number of weights of all towers.
  std::uint64_t parameter_count() const;
};

/// "gelu", "gelu_tanh", "quick_gelu", "relu"; find_activation is the inverse.
std::string_view to_string(kernels::Activation activation);
std::optional<kernels::Activation> find_activation(std::string_view name);

/// A tensor that a bundle must have.
struct ExpectedTensor {
  std::string name;
  Shape shape;
  bool quantised = false;  ///< I8 instead of a floating type
};

/// Every tensor of a model of this architecture, with OpenAI's names.
std::vector<ExpectedTensor> expected_tensors(const Architecture& architecture);

/// Compares the tensors with expected_tensors(). Errors, naming the first tensor at fault: kCorrupt
/// when it is missing, of another shape or unexpected (`logit_scale` is allowed); kUnsupported when
/// it is of another type.
Status check_tensors(const checkpoint::Checkpoint& weights, const Architecture& architecture,
                     std::string_view subject);

}  // namespace mien::engine
