#pragma once

#include <string>

#include "mien/data/manifest.h"

namespace mien::data {

/// Identifies the data that was measured: sha256 over the classes and, for each sample in order,
/// the id, the labels and the names of the frames. Does not read pictures.
std::string manifest_hash(const Manifest& manifest);

}  // namespace mien::data
