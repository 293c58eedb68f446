#include "mien/metrics/confusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mien/core/check.h"

namespace mien::metrics {
namespace {

using testing::ElementsAre;

ConfusionMatrix example() {
  // Truth 0: 3 of 4 correct. Truth 1: 1 of 2. Class 2 has no samples and one false positive.
  ConfusionMatrix counts(3);
  counts.add(0, 0, 3);
  counts.add(0, 1);
  counts.add(1, 1);
  counts.add(1, 2);
  return counts;
}

TEST(Confusion, CountsByRowAndColumn) {
  const ConfusionMatrix counts = example();
  EXPECT_EQ(counts.total(), 6);
  EXPECT_EQ(counts.correct(), 4);
  EXPECT_EQ(counts.row_sum(0), 4);
  EXPECT_EQ(counts.column_sum(1), 2);
  EXPECT_EQ(counts.at(1, 2), 1);
}

TEST(Confusion, WarIsShareOfSamples) {
  EXPECT_NEAR(weighted_average_recall(example()).value(), 100.0 * 4 / 6, 1e-9);
}

TEST(Confusion, AbsentClassIsNamedAndNeverCountsAsZero) {
  const auto uar = unweighted_average_recall(example());
  ASSERT_TRUE(uar.ok());
  EXPECT_NEAR(uar->percent, (75.0 + 50.0) / 2, 1e-9);
  EXPECT_THAT(uar->absent, ElementsAre(2u));
  EXPECT_FALSE(uar->per_class[2].has_value());
}

TEST(Confusion, MacroF1CountsFalsePositivesOfPresentClasses) {
  const auto f1 = macro_f1(example());
  ASSERT_TRUE(f1.ok());
  // F1 of 0: 6 / (4 + 3); of 1: 2 / (2 + 2).
  EXPECT_NEAR(f1->percent, 100.0 * (6.0 / 7 + 0.5) / 2, 1e-9);
}

TEST(Confusion, NoSamplesIsAnError) {
  const ConfusionMatrix counts(4);
  EXPECT_FALSE(weighted_average_recall(counts).ok());
  EXPECT_FALSE(unweighted_average_recall(counts).ok());
  EXPECT_FALSE(macro_f1(counts).ok());
}

TEST(Confusion, ClassOutOfRangeBreaksTheContract) {
  ConfusionMatrix counts(2);
  EXPECT_THROW(counts.add(0, 2), ContractError);
  EXPECT_THROW(ConfusionMatrix(0), ContractError);
}

TEST(Confusion, OneClassAllRight) {
  ConfusionMatrix counts(1);
  counts.add(0, 0, 5);
  EXPECT_EQ(weighted_average_recall(counts).value(), 100.0);
  EXPECT_EQ(unweighted_average_recall(counts).value().percent, 100.0);
}

}  // namespace
}  // namespace mien::metrics
