#pragma once

// Shared by the files that read and check architectures.
#include <string_view>
#include <vector>

#include "mien/engine/architecture.h"

namespace mien::engine {

// Above these no real model goes; below them every product of sizes fits 64 bits easily.
constexpr int kMaxWidth = 16384;
constexpr int kMaxLayers = 256;
constexpr int kMaxImage = 4096;
constexpr std::size_t kMaxStages = 8;

/// A whole number from 1 to `max`. Errors: kCorrupt.
Result<int> read_size(const Json& json, std::string_view key, int max, std::string_view subject);
/// A list of 1 to kMaxStages of them. Errors: kCorrupt.
Result<std::vector<int>> read_sizes(const Json& json, std::string_view key, int max,
                                    std::string_view subject);
Json sizes_json(const std::vector<int>& values);

/// The Swin part of an architecture.
Result<ImageTower> parse_swin(const Json& json, std::string_view subject);
Json swin_json(const ImageTower& tower);
Status check_swin(const ImageTower& tower, int embed, std::string_view subject);
void add_swin(std::vector<ExpectedTensor>& out, const SwinSizes& sizes, int embed);

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

}  // namespace mien::engine
