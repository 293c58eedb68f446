#pragma once

// Where a conversion reads from: the weights file, and what the files beside it tell.

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/checkpoint/dfer_clip_names.h"
#include "mien/checkpoint/name_map.h"
#include "mien/engine/bundle.h"

namespace mien::cli {

/// What a configuration says about one tower. Nothing: it does not say.
struct TowerHints {
  std::optional<kernels::Activation> activation;
  std::optional<std::int64_t> heads;
  std::optional<std::int64_t> width;
  std::optional<std::int64_t> layers;
};

/// How a configuration wants its pixels; CLIP's own way where it says nothing.
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
  std::optional<engine::BundleInfo> bundle;  ///< when the source is a bundle itself
};

/// An opened source.
struct Source {
  std::filesystem::path given;
  std::filesystem::path weights;  ///< the file, or the shard index
  std::filesystem::path folder;   ///< where tokenizer and configuration are looked for
  std::shared_ptr<const checkpoint::Checkpoint> checkpoint;
  std::vector<std::string> skipped;  ///< pickle entries that hold no tensors
  checkpoint::ClipNaming naming = checkpoint::ClipNaming::kUnknown;
  std::optional<checkpoint::DferClipParts> dfer_clip;  ///< set: `checkpoint` is its model
};

/// The weights in a folder, by their usual names; a file is returned as it is.
/// Errors: kNotFound; kInvalidArgument when several would do.
Result<std::filesystem::path> find_weights(const std::filesystem::path& path);

/// Errors: as find_weights and open_checkpoint.
Result<Source> open_source(const std::filesystem::path& path, const Limits& limits = {});

/// The names of the weights files with their sha256. Errors: kIo, kCorrupt.
Result<std::map<std::string, std::string>> hash_source(const Source& source);

/// Reads bundle.json, open_clip_config.json or config.json (with preprocessor_config.json) beside
/// the weights, as fits their naming. Errors: kCorrupt; kUnsupported for anything that would make
/// another model than CLIP's.
Result<Hints> read_hints(const Source& source, const Limits& limits = {});

/// True when the weights certainly come from OpenAI, not from OpenCLIP under the same names.
bool is_openai_release(const checkpoint::Checkpoint& checkpoint);

}  // namespace mien::cli
