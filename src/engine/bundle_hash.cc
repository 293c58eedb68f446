#include "engine/bundle_hash.h"

#include <span>

#include "core/sha256.h"

namespace mien::engine {

std::string bundle_hash(const BundleInfo& info) {
  const std::string text = info.to_json().dump();
  return sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace mien::engine
