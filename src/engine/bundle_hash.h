#pragma once

#include <string>

#include "mien/engine/bundle.h"

namespace mien::engine {

/// Names the content of a bundle: sha256 of BundleInfo::to_json(), which holds the hashes of all
/// other files.
std::string bundle_hash(const BundleInfo& info);

}  // namespace mien::engine
