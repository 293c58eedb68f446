#include "mien/eval/descriptors.h"

#include <gtest/gtest.h>

#include <cmath>

#include "engine/tiny_bundle.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

TEST(DescriptorCounter, MeansPerClassAndNothingForSingleTexts) {
  const test::TempDir dir;
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  const auto bundle = engine::Bundle::load(dir / "tiny");
  ASSERT_TRUE(bundle.ok());
  engine::Session session;
  const auto scorer = [&](const std::vector<text::Label>& labels) {
    return *engine::LabelScorer::make(**bundle, {"x", labels}, {}, session);
  };
  const auto two = scorer({{"happy", {"a smile", "a grin"}, {}}, {"sad", {"tears"}, {}}});
  std::vector<float> first(32, 0.0F), second(32, 0.0F);
  first[0] = second[1] = 1.0F;
  DescriptorCounter counter(*two, 3);
  counter.add(*two, first, 0);
  counter.add(*two, second, 0);
  counter.add(*two, second, 2);
  const DescriptorMap map = counter.take();
  ASSERT_EQ(map.cosines.size(), 3u);
  EXPECT_EQ(map.labels, (std::vector<std::string>{"happy", "happy", "sad"}));
  EXPECT_EQ(map.texts[1], "a grin");
  const auto a = two->text_cosines(first), b = two->text_cosines(second);
  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_NEAR(map.cosines[t][0], (a[t] + b[t]) / 2, 1e-6);
    EXPECT_TRUE(std::isnan(map.cosines[t][1]));
    EXPECT_NEAR(map.cosines[t][2], b[t], 1e-6);
  }
  const auto one = scorer({{"happy", {"a smile"}, {}}, {"sad", {"tears"}, {}}});
  DescriptorCounter none(*one, 2);
  none.add(*one, first, 0);
  EXPECT_TRUE(none.take().empty());
}

}  // namespace
}  // namespace mien::eval
