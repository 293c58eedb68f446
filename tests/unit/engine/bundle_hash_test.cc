#include "engine/bundle_hash.h"

#include <gtest/gtest.h>

namespace mien::engine {
namespace {

TEST(BundleHash, NamesTheContent) {
  BundleInfo info;
  info.name = "a";
  const std::string hash = bundle_hash(info);
  EXPECT_EQ(hash.size(), 64U);
  EXPECT_EQ(bundle_hash(info), hash);
  info.files["model.safetensors"] = "00";
  EXPECT_NE(bundle_hash(info), hash);
}

}  // namespace
}  // namespace mien::engine
