#pragma once

// Shared by the files that read and check architectures.
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "mien/engine/architecture.h"

namespace mien::engine {

// Above these no real model goes; below them every product of sizes fits 64 bits easily.
constexpr int kMaxWidth = 16384;
constexpr int kMaxLayers = 256;
constexpr int kMaxImage = 4096;
constexpr int kMaxVocabulary = 10'000'000;
constexpr int kMaxContext = 8192;
constexpr std::size_t kMaxStages = 8;

/// A whole number from 1 to `max`. Errors: kCorrupt.
Result<int> read_size(const Json& json, std::string_view key, int max, std::string_view subject);
/// A list of 1 to kMaxStages of them. Errors: kCorrupt.
Result<std::vector<int>> read_sizes(const Json& json, std::string_view key, int max,
                                    std::string_view subject);
Json sizes_json(const std::vector<int>& values);

Result<kernels::Activation> read_activation(const Json& json, std::string_view subject);

/// The sizes that every transformer has. Errors: kCorrupt.
template <class Sizes>
Status read_blocks(const Json& json, std::string_view subject, Sizes& sizes) {
  MIEN_ASSIGN_OR_RETURN(sizes.width, read_size(json, "width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.layers, read_size(json, "layers", kMaxLayers, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.heads, read_size(json, "heads", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.mlp, read_size(json, "mlp", 8 * kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.activation, read_activation(json, subject));
  return {};
}
template <class Sizes>
void write_blocks(const Sizes& sizes, Json& out) {
  out.set("width", sizes.width);
  out.set("layers", sizes.layers);
  out.set("heads", sizes.heads);
  out.set("mlp", sizes.mlp);
  out.set("activation", to_string(sizes.activation));
}
/// Errors: kCorrupt unless the heads are multiples of 16 wide and fill the width.
Status check_heads(int width, int heads, std::string_view subject);

/// Blocks with CLIP's names: `<prefix>transformer.resblocks.<i>.*`.
void add_clip_blocks(std::vector<ExpectedTensor>& out, const std::string& prefix, int layers,
                     std::int64_t width, std::int64_t mlp);
bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings);
/// Whether `tensor` is one of the large weights of blocks below `prefix`, which ends in
/// "transformer.resblocks.". They may be stored in int8.
bool is_clip_block_weight(std::string_view tensor, std::string_view prefix);

/// The network that predicts the neutral face.
Result<NeutralNetwork> parse_neutral(const Json& json, std::string_view subject);
Json neutral_json(const NeutralNetwork& network);
Status check_neutral(const NeutralNetwork& network, std::string_view subject);
void add_neutral(std::vector<ExpectedTensor>& out, const NeutralNetwork& network, int embed);

/// HESP's patch.
Result<PixelPrompt> parse_prompt(const Json& json, std::string_view subject);
Json prompt_json(const PixelPrompt& prompt);
Status check_prompt(const PixelPrompt& prompt, const ImageTower& image, std::string_view subject);
void add_prompt(std::vector<ExpectedTensor>& out, const Architecture& architecture);

/// The points that classes avoid, of HESP and ARPL.
Result<ReciprocalPoints> parse_reciprocal(const Json& json, std::string_view subject);
Json reciprocal_json(const ReciprocalPoints& points);
Status check_reciprocal(const ReciprocalPoints& points, std::string_view subject);
void add_reciprocal(std::vector<ExpectedTensor>& out, const Architecture& architecture);

/// Sets the activation of every tower that was published with more than one. Returns false when
/// there is none.
bool set_activation(Architecture& architecture, kernels::Activation activation);

}  // namespace mien::engine
