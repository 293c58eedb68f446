#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "data/views.h"
#include "methods/kit/training_data.h"
#include "mien/data/manifest.h"
#include "mien/image/preprocess.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// Small grey pictures of a data set, preprocessed once and kept in memory. Immutable.
class PictureStore {
 public:
  /// Reads the first frame of every sample of `view`. Errors: more unreadable pictures than
  /// options.max_bad_share, naming the last.
  static Result<std::shared_ptr<const PictureStore>> read(
      const data::Manifest& manifest, const data::View& view, const image::PreprocessSpec& spec,
      const DataOptions& options, const std::function<void(std::int64_t)>& progress);

  /// Shape: [S, S] of a sample. Precondition: it was read.
  std::span<const float> plane(std::int64_t place) const;
  /// Shape: [indices, 1, S, S]. Precondition: they were read.
  torch::Tensor planes(std::span<const std::int64_t> places) const;
  /// Drops the samples that could not be read.
  void keep_readable(data::View& view) const;

 private:
  std::size_t area_ = 0;
  std::vector<std::int64_t> rows_;  ///< by sample index; -1: none
  std::vector<float> values_;
};

/// Reads the pictures of both parts and drops those that cannot be read from their views. Errors:
/// those of PictureStore::read.
Status read_pictures(TrainingData& data, const image::PreprocessSpec& spec,
                     const DataOptions& options, const MethodContext& context,
                     std::shared_ptr<const PictureStore>& train,
                     std::shared_ptr<const PictureStore>& val);

}  // namespace mien::methods
