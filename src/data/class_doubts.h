#pragma once

#include <string>
#include <vector>

#include "mien/data/manifest.h"

namespace mien::data {

/// What is doubtful in the names of a manifest's classes, one message for each case: names that are
/// numbers, which mean nothing to a model that reads words; names that differ only in case, spaces
/// or punctuation; names that mean the same expression ("anger", "angry"); a name that is a letter
/// or two away from a more frequent one, or from a built-in expression. Each splits what was meant
/// as one class, or asks the model for a word that nobody meant, and every figure is wrong then.
std::vector<std::string> class_doubts(const Manifest& manifest);

}  // namespace mien::data
