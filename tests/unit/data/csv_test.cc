#include "data/csv.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Csv, QuotesLineEndsAndBom) {
  const auto table = parse_csv(
      "\xEF\xBB\xBF"
      "a,b\r\n1,\"x, \"\"y\"\"\nz\"\r\n\r\n,\n",
      "t.csv");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_THAT(table->columns, ElementsAre("a", "b"));
  ASSERT_EQ(table->rows.size(), 2u);
  EXPECT_THAT(table->rows[0].cells, ElementsAre("1", "x, \"y\"\nz"));
  EXPECT_THAT(table->rows[1].cells, ElementsAre("", ""));
  EXPECT_EQ(table->rows[1].line, 5);
}

TEST(Csv, NoLineEndAtTheEnd) {
  const auto table = parse_csv("a\n1", "t.csv");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->rows.size(), 1u);
}

TEST(Csv, MissingCellNamesTheLine) {
  const auto table = parse_csv("a,b\n1,2\n3\n", "t.csv");
  EXPECT_EQ(test::problem_of(table), "corrupt: t.csv:3: has 1 cells (expected 2, one per column)");
}

TEST(Csv, Damage) {
  EXPECT_THAT(test::problem_of(parse_csv("", "t")), HasSubstr("is empty"));
  EXPECT_THAT(test::problem_of(parse_csv("a,a\n", "t")), HasSubstr("duplicate column 'a'"));
  EXPECT_THAT(test::problem_of(parse_csv("a,\n", "t")), HasSubstr("has no name"));
  EXPECT_THAT(test::problem_of(parse_csv("a\n\"x", "t")), HasSubstr("a quote is not closed"));
  EXPECT_THAT(test::problem_of(parse_csv("a\n\"x\"y\n", "t")), HasSubstr("closing quote"));
}

TEST(Csv, WrittenAndReadBack) {
  const CsvTable table{.columns = {"a", "b, c"},
                       .rows = {{.cells = {"x \"y\"", "two\nlines"}}, {.cells = {"", "plain"}}}};
  EXPECT_EQ(csv_text(table), "a,\"b, c\"\n\"x \"\"y\"\"\",\"two\nlines\"\n,plain\n");
  const auto again = parse_csv(csv_text(table), "t");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->columns, table.columns);
  EXPECT_EQ(again->rows[0].cells, table.rows[0].cells);
  EXPECT_EQ(again->rows[1].cells, table.rows[1].cells);
}

TEST(Csv, Limits) {
  EXPECT_EQ(test::code_of(parse_csv("a\n12345\n", "t", {.max_text_bytes = 4})),
            StatusCode::kResourceLimit);
  EXPECT_EQ(test::code_of(parse_csv("a\n1\n2\n", "t", {.max_frames = 1})),
            StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::data
