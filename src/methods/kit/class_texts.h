#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "mien/core/status.h"
#include "mien/text/labels.h"

namespace mien::methods {

/// The texts that a label file or set has for classes, which need not have the same names ("anger"
/// for "angry"); the labels are named as the classes. A file may lie below `folder`. Errors: those
/// of load_labels; kInvalidArgument naming a class without texts.
Result<text::LabelSet> class_texts(std::string file, const std::filesystem::path& folder,
                                   const std::vector<std::string>& classes);

}  // namespace mien::methods
