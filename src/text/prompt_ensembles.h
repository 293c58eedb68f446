#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/text/labels.h"

namespace mien::text {

/// "P1" ... "P5": the prompt sets of Exp-CLIP (arXiv 2405.19100), literally, irregularities
/// included. P1 to P3 have one prompt per class, P4 five, P5 ten. Their logits are averaged, so
/// score them with engine::Reduce::kMeanCosine.
std::vector<std::string_view> prompt_ensemble_names();

/// One label per class, with the name of the class and the prompts of the set as texts. Errors:
/// kInvalidArgument for an unknown set, or a class that is not one of the eleven (or an alias:
/// "happy" is happiness).
Result<LabelSet> prompt_ensemble(std::string_view set, const std::vector<std::string>& classes);

/// One label per class, with the name of the class and one text that describes the facial behaviour
/// ("a smiling mouth, raised cheeks, ..."), literally from DFER-CLIP (arXiv 2308.13382). Errors:
/// kInvalidArgument for a class that is not one of the eleven (or an alias).
Result<LabelSet> facial_descriptors(const std::vector<std::string>& classes);

}  // namespace mien::text
