#pragma once

// Models in words: what the program prints of them and what their cards say.

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/engine/bundle.h"
#include "mien/engine/detector.h"
#include "mien/text/labels.h"

namespace mien::engine {

/// "ViT-B/32", "ViT-L/14@336", or "ViT of width 64, patch 8" where no such name is usual.
std::string model_name(const ImageTower& tower);
/// The kind and the sizes of a tower or head, on one line.
std::string tower_text(const ImageTower& tower);
std::string tower_text(const TextTower& tower);
std::string tower_text(const TemporalTower& tower);
std::string tower_text(const RegressionHead& head);
std::string tower_text(const PyramidSizes& sizes);
/// Multiplications and additions of one picture, counted from the sizes: what the definition needs,
/// whatever an implementation leaves out. Norms and activations are not counted.
double image_operations(const ImageTower& tower, int embed);
/// "blunted_affect (1 to 7), rapport".
std::string targets_text(const std::vector<RegressionTarget>& targets);

/// "151.3 M".
std::string count_text(std::uint64_t count);
/// "605.2 MB".
std::string size_text(std::uint64_t bytes);

/// Parameters of each part and of all.
struct Parameters {
  std::uint64_t image = 0;
  std::uint64_t text = 0;
  std::uint64_t temporal = 0;
  std::uint64_t regression = 0;

  std::uint64_t total() const { return image + text + temporal + regression; }
  Json to_json() const;
};
/// Counted from the sizes alone: no weights are needed.
Parameters count_parameters(const Architecture& architecture);
std::uint64_t count_parameters(const PyramidSizes& sizes);
/// "87.8 M image, 63.4 M text, 68.7 M temporal".
std::string parameters_text(const Parameters& parameters);

/// Tensors and bytes by type: {"F16": {"tensors": .., "bytes": ..}}.
Json dtypes_json(const checkpoint::Checkpoint& weights);
/// "F16 (302 tensors, 302.3 MB), F32 (..)".
std::string dtypes_text(const checkpoint::Checkpoint& weights);
std::string dtypes_text(const checkpoint::NamedTensors& tensors);

/// Texts of all labels in the order of stored features: each label's own, then those of its parts.
std::vector<std::string> all_texts(const std::vector<text::Label>& labels);
/// "angry (5), happy (5)": names with the number of their texts.
std::string labels_text(const std::vector<text::Label>& labels);

}  // namespace mien::engine
