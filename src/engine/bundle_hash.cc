#include "engine/bundle_hash.h"

#include <span>

#include "core/sha256.h"

namespace mien::engine {

namespace {

std::string hash_of(const Json& json) {
  const std::string text = json.dump();
  return sha256_hex(std::as_bytes(std::span(text)));
}

}  // namespace

std::string bundle_hash(const BundleInfo& info) { return hash_of(info.to_json()); }

std::string bundle_hash(const DetectorInfo& info) { return hash_of(info.to_json()); }

}  // namespace mien::engine
