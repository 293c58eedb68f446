#pragma once

#include <map>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"

namespace mien::cli {

/// What is known of a conversion, for CARD.md.
struct CardFacts {
  std::map<std::string, std::string> files;  ///< of the source, with their sha256
  std::map<std::string, std::string>
      text_files;  ///< of the text tower, when it comes from elsewhere
  std::string format;
  std::string naming;
  std::string dtypes;
  std::vector<std::string> left_out;
  std::vector<std::string> notes;
};

/// CARD.md of a converted model.
std::string make_card(const engine::BundleInfo& info, const CardFacts& facts);

}  // namespace mien::cli
