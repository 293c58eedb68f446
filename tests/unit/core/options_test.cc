#include "mien/core/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"

namespace mien {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Inner {
  double rate = 0.5;
  void register_options(OptionSet& set) { set.add("rate", rate, "Learning rate", {0, 1}); }
};
struct Outer {
  int epochs = 3;
  std::uint64_t seed = 1;
  bool fast = false;
  std::string kind = "a";
  std::vector<int> steps = {1, 2};
  std::vector<std::string> words = {};
  Inner inner = {};
  void register_options(OptionSet& set) {
    set.add("epochs", epochs, "Epochs", {1, 100});
    set.add("seed", seed, "Seed");
    set.add("fast", fast, "Fast");
    set.add("kind", kind, "Kind", {"a", "b"});
    set.add("steps", steps, "Steps");
    set.add("words", words, "Words");
    set.group("inner", inner);
  }
};

TEST(Options, AssignEveryType) {
  Outer outer;
  OptionSet set;
  outer.register_options(set);
  for (const char* text : {"epochs=7", "seed=18446744073709551615", "fast=true", "kind=b",
                           "steps=4,5,6", "words=x y,z", "inner.rate=0.25"}) {
    MIEN_ASSERT_OK(set.assign(text));
  }
  EXPECT_EQ(outer.epochs, 7);
  EXPECT_EQ(outer.seed, 18446744073709551615ULL);
  EXPECT_TRUE(outer.fast);
  EXPECT_EQ(outer.kind, "b");
  EXPECT_THAT(outer.steps, ElementsAre(4, 5, 6));
  EXPECT_THAT(outer.words, ElementsAre("x y", "z"));
  EXPECT_EQ(outer.inner.rate, 0.25);
  MIEN_ASSERT_OK(set.assign("steps="));
  EXPECT_TRUE(outer.steps.empty());
}

TEST(Options, ErrorsNameTheLineAndTheExpectation) {
  Outer outer;
  OptionSet set;
  outer.register_options(set);
  EXPECT_THAT(test::problem_of(set.set("epoch", {"1"}, "r.yaml:3")),
              HasSubstr("r.yaml:3: unknown option 'epoch' (did you mean 'epochs'?)"));
  EXPECT_THAT(test::problem_of(set.set("epochs", {"0"}, "r.yaml:3")),
              HasSubstr("'epochs' is '0' (expected 1 to 100)"));
  EXPECT_THAT(test::problem_of(set.set("epochs", {"1.5"}, "p")), HasSubstr("a whole number"));
  EXPECT_THAT(test::problem_of(set.set("inner.rate", {"nan"}, "p")), HasSubstr("a number"));
  EXPECT_THAT(test::problem_of(set.set("inner.rate", {"1e400"}, "p")), HasSubstr("a number"));
  EXPECT_THAT(test::problem_of(set.set("fast", {"yes"}, "p")), HasSubstr("true or false"));
  EXPECT_THAT(test::problem_of(set.set("kind", {"c"}, "p")), HasSubstr("one of a, b"));
  EXPECT_THAT(test::problem_of(set.set("kind", {"a", "b"}, "p")), HasSubstr("has 2 values"));
  EXPECT_THAT(test::problem_of(set.assign("epochs")), HasSubstr("expected name=value"));
  EXPECT_EQ(outer.epochs, 3);
}

TEST(Options, PrintsItself) {
  Outer outer;
  OptionSet set;
  outer.register_options(set);
  MIEN_ASSERT_OK(set.assign("words=a: b,c"));
  EXPECT_EQ(set.to_yaml(),
            "epochs: 3\nseed: 1\nfast: false\nkind: a\nsteps: [1, 2]\nwords: [\"a: b\", c]\n"
            "inner.rate: 0.5\n");
  EXPECT_EQ(set.to_json().dump(),
            R"({"epochs":3,"seed":1,"fast":false,"kind":"a","steps":[1,2],"words":["a: b","c"],)"
            R"("inner":{"rate":0.5}})");
  EXPECT_THAT(set.to_markdown(), HasSubstr("| `kind` | `a` | Kind (a, b) |"));
  EXPECT_THAT(set.to_markdown(), HasSubstr("| `words` | `[]` | Words |"));
}

}  // namespace
}  // namespace mien
