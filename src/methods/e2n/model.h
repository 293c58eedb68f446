#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "methods/e2n/options.h"
#include "mien/engine/bundle.h"
#include "mien/methods/method.h"
#include "nn/tower.h"

namespace mien::methods {

inline constexpr int kE2nMlpRatio = 4;

/// Copies the image tower of a bundle. What comes behind the features (feature head or projection)
/// stays random when the bundle has none or one of another size, and a patch embedding of larger
/// patches is summed up, as if the picture were scaled. Errors: kCorrupt naming the first tensor
/// that does not fit otherwise.
Status load_e2n_tower(const nn::ImageTowerModule& tower, const checkpoint::Checkpoint& weights);

/// What the frozen text tower says of the classes.
struct E2nTeacher {
  std::shared_ptr<const engine::Bundle> bundle;
  std::vector<std::string> prompts;  ///< by class
  torch::Tensor texts;               ///< raw features [classes, embed]
  double scale = 100;                ///< factor of the cosines
};

/// Encodes the prompts of the classes once. Errors: those of the bundle; kUnsupported without a
/// text tower.
Result<E2nTeacher> read_e2n_teacher(const std::filesystem::path& path, const std::string& pattern,
                                    const std::vector<std::string>& classes);

/// What E2N-FER does to a face crop: grey as the compact family, or ImageNet's normalisation.
image::PreprocessSpec e2n_preprocess(int side, int channels);

}  // namespace mien::methods
