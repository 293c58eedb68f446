#pragma once

// What `convert` and `inspect` tell of models, for people and as JSON.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/engine/bundle.h"
#include "mien/engine/detector.h"
#include "mien/text/labels.h"

namespace mien::cli {

/// Rows of "  name   value", printed safely.
using Rows = std::vector<std::pair<std::string, std::string>>;
std::string rows_text(const Rows& rows);

/// "ViT-B/32", "ViT-L/14@336", or "ViT of width 64, patch 8" where no such name is usual.
std::string model_name(const engine::ImageTower& tower);
std::string tower_text(const engine::ImageTower& tower);
std::string tower_text(const engine::TextTower& tower);
std::string tower_text(const engine::TemporalTower& tower);
std::string tower_text(const engine::RegressionHead& head);
/// "blunted_affect (1 to 7), rapport".
std::string targets_text(const std::vector<engine::RegressionTarget>& targets);

/// "151.3 M", "605.2 MB".
std::string count_text(std::uint64_t count);
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
/// "87.8 M image, 63.4 M text, 68.7 M temporal".
std::string parameters_text(const Parameters& parameters);
Parameters count_parameters(const engine::Architecture& architecture);

/// Tensors and bytes by type: {"F16": {"tensors": .., "bytes": ..}}.
Json dtypes_json(const checkpoint::Checkpoint& weights);
/// "F16 (302 tensors, 302.3 MB), F32 (..)".
std::string dtypes_text(const checkpoint::Checkpoint& weights);

/// Texts of a label in the order of stored features: its own, then those of its parts.
void append_texts(const text::Label& label, std::vector<std::string>& out);
std::vector<std::string> all_texts(const std::vector<text::Label>& labels);
/// "angry (5), happy (5)": names with the number of their texts.
std::string labels_text(const std::vector<text::Label>& labels);

Json string_array(const std::vector<std::string>& values);

/// One line on the network of a detector.
std::string network_text(const engine::PyramidSizes& sizes);
std::int64_t network_parameters(const engine::PyramidSizes& sizes);

}  // namespace mien::cli
