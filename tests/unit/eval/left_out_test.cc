#include "mien/eval/left_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mien/engine/tiny_bundle.h"
#include "support/test_support.h"

namespace mien::eval {
namespace {

using testing::HasSubstr;

data::Manifest three() {
  data::Manifest out;
  out.name = "three";
  out.classes = {"a", "b", "c"};
  out.samples = {{.id = "1", .labels = {0}},
                 {.id = "2", .labels = {1}},
                 {.id = "3", .labels = {0, 1}},
                 {.id = "4", .labels = {0}}};
  return out;
}

TEST(LeftOut, OnlySamplesOfTheClassAlone) {
  const auto part = only_class(three(), "a");
  ASSERT_TRUE(part.ok());
  ASSERT_EQ(part->samples.size(), 2u);
  EXPECT_EQ(part->samples[1].id, "4");
  EXPECT_EQ(part->classes.size(), 3u);
  EXPECT_THAT(test::problem_of(only_class(three(), "x")), HasSubstr("has no class 'x'"));
  EXPECT_THAT(test::problem_of(only_class(three(), "c")), HasSubstr("no sample of class 'c'"));
}

// UAR is the mean of the recalls, WAR weighs them by their samples.
TEST(LeftOut, Figures) {
  RunResult a{.classes = {"a", "b", "c"},
              .predictions = {{.id = "1", .truth = 0, .probabilities = {0.6, 0.4, 0}},
                              {.id = "4", .truth = 0, .probabilities = {0.1, 0.2, 0.7}},
                              {.id = "5", .truth = 0, .probabilities = {0.9, 0.1, 0}},
                              {.id = "6", .truth = 0, .probabilities = {0.2, 0.8, 0}}}};
  RunResult b{.classes = a.classes,
              .predictions = {{.id = "2", .truth = 1, .probabilities = {0, 1, 0}}}};
  LeftOutReport report{.classes = a.classes,
                       .left_out = {count_left_out("a", a), count_left_out("b", b)},
                       .missing = {"c"}};
  EXPECT_DOUBLE_EQ(report.uar(), 75);
  EXPECT_DOUBLE_EQ(report.war(), 60);
  EXPECT_EQ(report.to_json().dump(),
            R"({"war":60.0,"uar":75.0,"n":5,"recall":{"a":50.0,"b":100.0},)"
            R"("samples":{"a":4,"b":1},"answers":{"a":{"a":2,"b":1,"c":1},)"
            R"("b":{"a":0,"b":1,"c":0}},"missing":["c"]})");
}

TEST(LeftOut, TheBundleMustSayItsClass) {
  const test::TempDir dir;
  ASSERT_TRUE(engine::write_tiny_bundle(dir / "tiny").ok());
  const auto bundle = engine::Bundle::load(dir / "tiny");
  ASSERT_TRUE(bundle.ok());
  EXPECT_THAT(test::problem_of(left_out_class(**bundle)), HasSubstr("does not say which class"));
}

}  // namespace
}  // namespace mien::eval
