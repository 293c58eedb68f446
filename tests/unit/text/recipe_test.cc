#include "text/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Fields {
  int a = 1;
  std::string b = "x";
  std::vector<int> list = {};
  OptionSet set() {
    OptionSet out;
    out.add("a", a, "A");
    out.add("in.b", b, "B");
    out.add("in.list", list, "List");
    return out;
  }
};

TEST(Recipe, NestedAndDotted) {
  Fields fields;
  OptionSet set = fields.set();
  MIEN_ASSERT_OK(
      read_recipe("method: m\na: 2\nin:\n  b: hello world\nin.list: [3, 4]\n", "r", set, "method"));
  EXPECT_EQ(fields.a, 2);
  EXPECT_EQ(fields.b, "hello world");
  EXPECT_THAT(fields.list, ElementsAre(3, 4));
  MIEN_ASSERT_OK(read_recipe("", "r", set));
  MIEN_ASSERT_OK(read_recipe("in.b:\n", "r", set));
  EXPECT_EQ(fields.b, "");
}

TEST(Recipe, PrintedOptionsReadBack) {
  Fields fields;
  fields.b = "a \"quoted\": text, 50 %\\";
  fields.list = {5, -6};
  OptionSet set = fields.set();
  const std::string yaml = set.to_yaml();
  Fields again;
  OptionSet other = again.set();
  MIEN_ASSERT_OK(read_recipe(yaml, "r", other));
  EXPECT_EQ(again.b, fields.b);
  EXPECT_EQ(again.list, fields.list);
}

TEST(Recipe, Errors) {
  Fields fields;
  OptionSet set = fields.set();
  EXPECT_THAT(test::problem_of(read_recipe("a: 1\nnope: 2\n", "r.yaml", set)),
              HasSubstr("r.yaml:2: unknown option 'nope'"));
  EXPECT_THAT(test::problem_of(read_recipe("in.b: x\nin:\n  b: y\n", "r.yaml", set)),
              HasSubstr("r.yaml:3: duplicate 'in.b'"));
  EXPECT_THAT(test::problem_of(read_recipe("- 1\n", "r.yaml", set)), HasSubstr("not a map"));
  EXPECT_THAT(test::problem_of(read_recipe("in.list: [[1]]\n", "r.yaml", set)),
              HasSubstr("not a plain value"));
  EXPECT_FALSE(read_recipe("a: [1\n", "r.yaml", set).ok());
}

TEST(Recipe, FindsATopLevelKey) {
  EXPECT_EQ(*find_in_recipe("x: 1\nmethod: emoclip\n", "r", "method"), "emoclip");
  EXPECT_EQ(*find_in_recipe("x: 1\n", "r", "method"), "");
}

}  // namespace
}  // namespace mien::text
