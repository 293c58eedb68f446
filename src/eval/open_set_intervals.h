#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "mien/core/status.h"
#include "mien/eval/open_set.h"

namespace mien::eval {

/// The answers for the samples of a split, among its known classes only.
struct OpenSetAnswers {
  std::size_t classes = 0;  ///< that are known
  using OfScores = std::array<std::vector<double>, kOpenSetScores.size()>;
  OfScores known = {};  ///< by score, then sample; a score that was not requested is empty
  OfScores unknown = {};
  std::vector<std::size_t> truth = {}, top = {};  ///< of known samples: class indices
  std::vector<char> correct = {};                 ///< of known samples
};

/// The intervals of `result`. A resample draws as many known and as many unknown samples as there
/// are; one that is drawn counts in all figures.
Status fill_open_set_intervals(const OpenSetAnswers& answers, const ClosedSetOptions& options,
                               OpenSetResult& result);

}  // namespace mien::eval
