#include "report/descriptor_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(DescriptorMap, ShowsEveryCellOfClassesWithSamples) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  const eval::DescriptorMap map = {{"happy", "happy", "<sad>"},
                                   {"near to: grin", "near to: \"laugh\"", "x"},
                                   {{0.5, 0.25, none}, {0.4, 0.1, none}, {-0.25, 0.5, none}}};
  const std::string html = descriptor_map_html(map, {"happy", "<sad>", "absent"});
  EXPECT_EQ(test::count_of("<rect", html), 6u);
  EXPECT_THAT(html, HasSubstr(">happy 2</text>"));
  EXPECT_THAT(html, HasSubstr(">0.50</text>"));
  EXPECT_THAT(html, HasSubstr("fill-opacity=\"0.750\""));  // the nearest
  EXPECT_THAT(html, HasSubstr("fill-opacity=\"0.000\""));
  EXPECT_THAT(html, HasSubstr("<title>near to: grin</title>"));
  EXPECT_THAT(html, HasSubstr("&quot;laugh&quot;"));
  EXPECT_THAT(html, HasSubstr("&lt;sad&gt; 1"));
  EXPECT_THAT(html, Not(HasSubstr("<sad>")));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(DescriptorMap, NothingToShowIsEmpty) { EXPECT_EQ(descriptor_map_html({}, {"happy"}), ""); }

TEST(DescriptorMap, LongListsAreCut) {
  eval::DescriptorMap map;
  for (int i = 0; i < 500; ++i) {
    map.labels.emplace_back("a");
    map.texts.emplace_back("b");
    map.cosines.push_back({0.1});
  }
  const std::string html = descriptor_map_html(map, {"a"});
  EXPECT_EQ(test::count_of("<rect", html), 400u);
  EXPECT_THAT(html, HasSubstr("the first 400 of 500"));
}

}  // namespace
}  // namespace mien::report
