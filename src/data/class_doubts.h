#pragma once

#include <string>
#include <vector>

#include "mien/data/manifest.h"

namespace mien::data {

/// Doubts about the class names of a manifest, one message per case: numbers, which mean nothing to
/// a model that reads words; names that differ only in case, spaces or punctuation; names of the
/// same expression ("anger", "angry"); a name that differs by one or two letters from a more
/// frequent one, or from a built-in expression. Each case splits one intended class, or asks the
/// model for a wrong word, so that all figures are wrong.
std::vector<std::string> class_doubts(const Manifest& manifest);

}  // namespace mien::data
