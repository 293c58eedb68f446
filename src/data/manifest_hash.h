#pragma once

#include <string>

#include "mien/data/manifest.h"

namespace mien::data {

/// Names what is measured: sha256 over the classes and, sample by sample in order, the id, the
/// labels and the names of the frames. Pictures are not read.
std::string manifest_hash(const Manifest& manifest);

}  // namespace mien::data
