#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/views.h"
#include "mien/data/manifest.h"

namespace mien::methods {

/// The probability of every label given the votes on a picture: the label of one annotator is a
/// sample, and this is its distribution. Multinomial logistic regression on the shares of the ten
/// answers and their roots, fitted on the samples of `view`, which have a label. `left_out` is the
/// index in kVoteNames of an expression whose votes do not count; -1: none. Shape: [samples,
/// classes] by index in the manifest; NaN in the rows of samples without votes. Errors: those of
/// data::votes_of; kInvalidArgument when no sample of `view` has votes.
Result<torch::Tensor> labels_by_votes(const data::Manifest& manifest, const data::View& view,
                                      std::int64_t left_out);

}  // namespace mien::methods
