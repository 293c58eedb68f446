#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/views.h"
#include "mien/data/manifest.h"

namespace mien::methods {

/// Vectors of a teacher for training samples, computed in advance: the tensor `vectors` [rows,
/// width] of a safetensors file, and the sample of each row.
class TeacherVectors {
 public:
  TeacherVectors() = default;  ///< empty
  /// `ids`: file with one sample id per line; empty: the samples of the manifest in their order.
  /// Errors: those of the files; kCorrupt for other shapes or numbers that are not finite;
  /// kInvalidArgument when rows and ids do not fit, or a sample of `view` has none.
  static Result<TeacherVectors> load(const std::filesystem::path& file,
                                     const std::filesystem::path& ids,
                                     const data::Manifest& manifest, const data::View& view);

  std::int64_t width() const { return vectors_.size(1); }
  /// Unit rows of the samples with these indices. Shape: -> [indices, width].
  torch::Tensor rows(const std::vector<std::int64_t>& places) const;

 private:
  torch::Tensor vectors_;             ///< unit rows
  std::vector<std::int64_t> row_of_;  ///< by index in the manifest; -1: none
};

}  // namespace mien::methods
