#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/text/labels.h"

namespace mien::eval {

/// A manifest reduced to the classes that a label set covers.
struct SharedClasses {
  data::Manifest manifest;
  std::vector<std::string> left_out = {};  ///< classes of the data without a label
  std::int64_t samples_left_out = 0;
};

/// For measuring a model on a data set with other classes: samples of classes that no label covers
/// (match_labels) are left out and counted. Errors: kInvalidArgument when fewer than two classes
/// are shared.
Result<SharedClasses> keep_shared_classes(const data::Manifest& manifest,
                                          const text::LabelSet& labels);

}  // namespace mien::eval
