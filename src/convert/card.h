#pragma once

#include <map>
#include <string>
#include <vector>

#include "convert/plan.h"

namespace mien::convert {

/// The files of a source by name, with their sha256.
using FileHashes = std::map<std::string, std::string>;

/// The provenance of a bundle.
struct Origin {
  FileHashes files;       ///< of the model and, where there is one, the projection
  FileHashes text_files;  ///< of the text tower, when it comes from elsewhere
  std::string dtypes;     ///< of the tensors, in words
};

/// CARD.md of a converted model. `info`: as written. `notice`: as Options::notice.
std::string make_card(const Plan& plan, const engine::BundleInfo& info, const Origin& origin,
                      const std::string& notice);

}  // namespace mien::convert
