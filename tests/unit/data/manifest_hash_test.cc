#include "data/manifest_hash.h"

#include <gtest/gtest.h>

namespace mien::data {
namespace {

Manifest two() {
  return {.name = "m",
          .classes = {"a", "b"},
          .samples = {{.id = "1", .frames = {"1.png"}, .labels = {0}},
                      {.id = "2", .frames = {"2.png", "3.png"}, .labels = {1}}}};
}

TEST(ManifestHash, DependsOnWhatIsMeasuredAlone) {
  const std::string hash = manifest_hash(two());
  EXPECT_EQ(hash.size(), 64U);
  Manifest same = two();
  same.name = "elsewhere";
  same.samples[0].caption = "text";
  EXPECT_EQ(manifest_hash(same), hash);
  for (int change = 0; change < 4; ++change) {
    Manifest other = two();
    if (change == 0) other.samples[0].labels = {1};
    if (change == 1) other.samples[1].frames = {"2.png3.png"};
    if (change == 2) other.classes = {"ab"};
    if (change == 3) std::swap(other.samples[0], other.samples[1]);
    EXPECT_NE(manifest_hash(other), hash) << change;
  }
}

}  // namespace
}  // namespace mien::data
