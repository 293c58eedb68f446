#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/views.h"
#include "methods/kit/picture_store.h"
#include "mien/image/preprocess.h"

namespace mien::methods {

/// Answers of finished bundles for training pictures, so that a tower can learn from several of
/// them.
/// Source: "Distilling the Knowledge in a Neural Network" (arXiv 1503.02531).
struct TeacherAnswers {
  torch::Tensor
      labels;  ///< [samples, classes] probabilities by sample index; 0 where no teacher was asked
  torch::Tensor votes;  ///< [samples, kVoteClasses]; undefined if no teacher has a text tower
};

/// Asks every bundle about every picture of `view` and its mirror image, and averages the
/// probabilities. A bundle with a text tower is asked by the descriptions of the classes and, for
/// the votes, by prompts; another one by its own labels. Logits are used without the temperature,
/// which was fitted for other labels. Shape: `pictures` preprocessed by `spec`.
/// Errors: those of the bundles; kInvalidArgument for one with another preprocessing, or without a
/// label for a class.
Result<TeacherAnswers> ask_teachers(const std::vector<std::filesystem::path>& bundles,
                                    const std::vector<std::string>& classes, std::size_t samples,
                                    const PictureStore& pictures, const data::View& view,
                                    const image::PreprocessSpec& spec,
                                    const std::function<void(std::int64_t)>& progress);

}  // namespace mien::methods
