#pragma once

// The labels that a bundle answers with: the user's, or those a method was published with.

#include <cstdint>
#include <string>
#include <vector>

#include "mien/convert/convert.h"
#include "mien/text/labels.h"

namespace mien::convert {

/// Turns any problem with the value of an option into kInvalidArgument, with the option as subject.
/// I/O errors and cancellation keep their codes.
Status bad_option(std::string_view option, const Status& status);

/// Those of `options`, or "basic7". Errors of all four: kInvalidArgument.
Result<text::LabelSet> plain_labels(const Options& options);
/// The labels that a DFER-CLIP checkpoint with this number of classes was trained with: by default
/// the published descriptors of 7, 8 or 11 classes, otherwise the first text of each label. Errors:
/// also for another number of labels.
Result<text::LabelSet> dfer_clip_labels(std::int64_t classes, const Options& options);
/// The labels of KE2NT, each with the one sentence it was trained against: by default the seven
/// published classes in their order; texts of a label file stay as they are.
Result<text::LabelSet> ke2nt_labels(const Options& options);
/// The labels of Exp-CLIP: by default prompt set P3 of the seven classes.
Result<text::LabelSet> exp_clip_labels(const Options& options);

}  // namespace mien::convert
