#pragma once

#include <string>

#include "mien/engine/bundle.h"
#include "mien/engine/detector.h"

namespace mien::engine {

/// Names the content of a bundle: sha256 of BundleInfo::to_json(), which holds the hashes of all
/// other files.
std::string bundle_hash(const BundleInfo& info);
/// The same for a detector.
std::string bundle_hash(const DetectorInfo& info);

}  // namespace mien::engine
