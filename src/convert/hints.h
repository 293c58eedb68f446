#pragma once

// Reads the configuration files beside weights.

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "checkpoint/name_map.h"
#include "convert/source.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/linear.h"

namespace mien::convert {

/// The settings of one tower in a configuration; none where it has no entry.
struct TowerHints {
  std::optional<kernels::Activation> activation;
  std::optional<std::int64_t> heads;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
};

/// The preprocessing of a configuration; CLIP's own where it has no entry.
struct PixelHints {
  std::optional<std::array<float, 3>> mean;
  std::optional<std::array<float, 3>> std;
  image::Filter filter = image::Filter::kBicubic;
  bool exact = false;  ///< resized to a square, not cropped

  bool operator==(const PixelHints&) const = default;
};

struct Hints {
  std::filesystem::path file;  ///< the configuration that was read; empty: none
  TowerHints image;
  TowerHints text;
  std::optional<std::int64_t> image_size;
  std::optional<std::int64_t> patch;
  std::optional<std::int64_t> embed;
  PixelHints pixels;
};

/// Reads open_clip_config.json or config.json (with preprocessor_config.json) beside the weights,
/// as fits their naming. Errors: kCorrupt; kUnsupported for anything that would make another model
/// than CLIP's.
Result<Hints> read_hints(const Source& source, checkpoint::ClipNaming naming, const Limits& limits);

}  // namespace mien::convert
