#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "methods/kit/training_data.h"
#include "mien/core/options.h"
#include "mien/methods/method.h"

namespace mien::methods {

/// Training data with the known classes alone, numbered in the order of the data; what validates
/// has the known classes (data.val_view) and the others (open_view), whose samples lost their
/// label.
struct OpenSetData {
  TrainingData data;
  data::View open_view;
  std::vector<std::string> classes;  ///< the known ones
};

/// Errors: those of load_training_data; kInvalidArgument for classes that the data lacks, fewer
/// than two known ones, a split list that is not known, or no training sample of a known class.
Result<OpenSetData> load_open_set_data(const DataOptions& options,
                                       const std::vector<std::string>& known,
                                       const std::string& split,
                                       const std::filesystem::path& folder, std::uint64_t seed);

/// The scores of an open-set model for the validation part.
struct SplitAnswers {
  torch::Tensor closed;             ///< [known samples, classes], larger is surer
  torch::Tensor open;               ///< [other samples, classes], or undefined
  std::vector<std::int64_t> truth;  ///< of the known samples
};
/// "war" (the closed-set accuracy) and "uar" of the known; with samples of other classes "auroc"
/// and "tnr95" in the released code's way (ties earn nothing), "oscr" exact, "oscr_code", and
/// "auroc_oscr", the sum that the released code selects by. Percent. The score of a sample is its
/// largest value.
Result<NamedValues> open_set_figures(const SplitAnswers& answers);

}  // namespace mien::methods
