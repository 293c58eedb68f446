#include "report/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/text.h"

namespace mien::report {
namespace {

using testing::HasSubstr;

const std::vector<engine::LabelScore> kExplainLabels = {{"sad", 0.7F, 0.3F}, {"happy", 0.3F, 0.2F}};

TEST(Explanation, NamesTheDescriptorsThatDecidedAndTheirNearestWords) {
  const std::vector<engine::Reason> reasons = {
      {"happy", "learned descriptor 1 of happy", 0.45F, {{"kindness", "joy", "love", "fun"}}},
      {"sad", "learned descriptor 2 of sad", 0.4F, {{"saddest", "tears"}, {"blue"}}},
      {"sad", "learned descriptor 1 of sad", 0.25F, {{"grey"}, {"rain"}}},
      {"happy", "learned descriptor 2 of happy", 0.1F, {{"sun"}}}};
  const auto lines = explanation(kExplainLabels, reasons, {.width = 100});
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_THAT(lines[0], HasSubstr("because   0.400  learned descriptor 2 of sad"));
  EXPECT_THAT(lines[1], HasSubstr("its tokens: saddest, tears | blue"));
  EXPECT_THAT(lines[2], HasSubstr(" 0.250  learned descriptor 1 of sad"));
  EXPECT_THAT(lines[4], HasSubstr("against   0.450  happy: learned descriptor 1 of happy"));
  EXPECT_THAT(lines[5], HasSubstr("kindness, joy, love"));
  for (const std::string& line : explanation(kExplainLabels, reasons, {.width = 40})) {
    EXPECT_LE(display_width(line), 40) << line;
  }
}

TEST(Explanation, WrittenDescriptionsAndNone) {
  EXPECT_TRUE(explanation(kExplainLabels, {}, {}).empty());
  EXPECT_TRUE(explanation({}, {{"sad", "tears", 0.1F}}, {}).empty());
  const auto lines = explanation(kExplainLabels, {{"sad", "a \x1b[31mface", 0.1F}}, {.width = 80});
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace mien::report
