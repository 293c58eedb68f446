#include "data/views.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/test_support.h"

namespace mien::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Manifest people() {
  Manifest out;
  out.name = "people";
  out.classes = {"a", "b", "c"};
  const auto add = [&](std::vector<int> labels, const char* subject, const char* split) {
    out.samples.push_back({.id = std::to_string(out.samples.size()),
                           .labels = std::move(labels),
                           .subject = subject,
                           .split = split});
  };
  add({0}, "x", "train");
  add({0, 1}, "x", "train");
  add({1}, "y", "test");
  add({2}, "z", "train");
  add({2}, "z", "test");
  add({0}, "w", "test");
  return out;
}

TEST(Views, SplitKeepsTheOrder) {
  const Manifest manifest = people();
  EXPECT_THAT(of_split(manifest, all_of(manifest), "train"), ElementsAre(0, 1, 3));
  EXPECT_TRUE(of_split(manifest, all_of(manifest), "no").empty());
}

// Samples with several labels go when one of them is left out (methods-emoclip §10.3).
TEST(Views, LeaveClassOut) {
  const Manifest manifest = people();
  const View train = of_split(manifest, all_of(manifest), "train");
  const View test = of_split(manifest, all_of(manifest), "test");
  const auto b = leave_class_out(manifest, train, test, "b");
  ASSERT_TRUE(b.ok());
  EXPECT_THAT(b->train, ElementsAre(0, 3));
  EXPECT_THAT(b->test, ElementsAre(2));
  EXPECT_THAT(test::problem_of(leave_class_out(manifest, train, test, "d")),
              HasSubstr("has no class 'd' (expected one of a, b, c)"));
  EXPECT_FALSE(leave_class_out(manifest, train, {}, "a").ok());
}

TEST(Views, FoldsKeepSubjectsTogether) {
  Manifest manifest;
  for (int i = 0; i < 100; ++i) {
    manifest.samples.push_back(
        {.id = std::to_string(i), .subject = i < 90 ? std::to_string(i / 7) : ""});
  }
  const auto folds = subject_folds(manifest, all_of(manifest), 5, 3);
  ASSERT_TRUE(folds.ok());
  std::map<std::string, std::set<std::size_t>> where;
  std::set<std::int64_t> seen;
  for (std::size_t k = 0; k < folds->size(); ++k) {
    EXPECT_GE((*folds)[k].size(), 13u);
    EXPECT_LE((*folds)[k].size(), 27u);
    for (const std::int64_t index : (*folds)[k]) {
      EXPECT_TRUE(seen.insert(index).second);
      const std::string& subject = manifest.samples[static_cast<std::size_t>(index)].subject;
      if (!subject.empty()) where[subject].insert(k);
    }
    const TwoViews views = hold_out(*folds, k);
    EXPECT_EQ(views.train.size() + views.test.size(), 100u);
  }
  EXPECT_EQ(seen.size(), 100u);
  for (const auto& [subject, parts] : where) EXPECT_EQ(parts.size(), 1u) << subject;
  EXPECT_EQ(*subject_folds(manifest, all_of(manifest), 5, 3), *folds);
  EXPECT_NE(*subject_folds(manifest, all_of(manifest), 5, 4), *folds);
  EXPECT_FALSE(subject_folds(manifest, {0, 1, 2}, 2, 1).ok());
  EXPECT_FALSE(subject_folds(manifest, all_of(manifest), 1, 1).ok());
}

TEST(Views, BalanceRepeatsTheRareOnes) {
  const Manifest manifest = people();
  Rng rng(1);
  std::map<int, int> counts;
  for (const std::int64_t index : balanced(manifest, all_of(manifest), rng)) {
    ++counts[manifest.samples[static_cast<std::size_t>(index)].labels.front()];
  }
  EXPECT_EQ(counts, (std::map<int, int>{{0, 3}, {1, 3}, {2, 3}}));
}

TEST(Views, ShuffleIsAPermutationOfTheSeed) {
  View view(50);
  for (std::size_t i = 0; i < view.size(); ++i) view[i] = static_cast<std::int64_t>(i);
  Rng a(5), b(5), c(6);
  const View first = shuffled(view, a);
  EXPECT_EQ(first, shuffled(view, b));
  EXPECT_NE(first, shuffled(view, c));
  EXPECT_EQ(std::set<std::int64_t>(first.begin(), first.end()).size(), 50u);
}

TEST(Views, SubjectPartIsAFoldAndTheRest) {
  const Manifest manifest = people();
  const auto folds = subject_folds(manifest, all_of(manifest), 2, 1);
  const auto part = subject_part(manifest, all_of(manifest), 2, 1);
  ASSERT_TRUE(folds.ok() && part.ok());
  EXPECT_EQ(part->test, (*folds)[1]);
  EXPECT_EQ(part->train, (*folds)[0]);
  EXPECT_THAT(test::problem_of(subject_part(manifest, all_of(manifest), 2, 2)),
              HasSubstr("2 of 2 folds (expected 0 to 1)"));
  EXPECT_FALSE(subject_part(manifest, all_of(manifest), 2, -1).ok());
  EXPECT_FALSE(subject_part(manifest, all_of(manifest), 9, 0).ok());
}

TEST(Views, OnlyKeepsTheOrderOfTheView) {
  const Manifest some = only(people(), {4, 1});
  ASSERT_EQ(some.samples.size(), 2U);
  EXPECT_EQ(some.samples[0].id, "4");
  EXPECT_EQ(some.samples[1].id, "1");
  EXPECT_EQ(some.classes.size(), 3U);
}

TEST(Views, CompoundsBecomeClasses) {
  Manifest manifest = people();
  manifest.samples[3].labels = {2, 0};
  manifest.samples[4].labels = {0, 2, 2};
  manifest.samples[5].labels = {};
  const Manifest out = compound_classes(manifest);
  EXPECT_THAT(out.classes, ElementsAre("a", "b", "c", "a+b", "a+c"));
  EXPECT_THAT(out.samples[0].labels, ElementsAre(0));
  EXPECT_THAT(out.samples[1].labels, ElementsAre(3));
  EXPECT_THAT(out.samples[3].labels, ElementsAre(4));
  EXPECT_THAT(out.samples[4].labels, ElementsAre(4));
  EXPECT_TRUE(out.samples[5].labels.empty());
}

}  // namespace
}  // namespace mien::data
