#include "metrics/paired.h"

#include <gtest/gtest.h>

#include "core/file.h"
#include "mien/core/json.h"
#include "mien/metrics/confusion.h"
#include "support/test_support.h"

namespace mien::metrics {
namespace {

// Figures of scipy and numpy (scripts/make_paired_golden.py).
Json paired_golden() {
  return *Json::parse(*read_text_file(mien::test::golden("paired.json"), 1 << 20));
}

TEST(Mcnemar, AgreesWithScipy) {
  const Json json = paired_golden();
  for (const Json& row : json.find("mcnemar")->as_array()) {
    const double p = row.find("p")->as_number();
    EXPECT_NEAR(
        mcnemar_exact(row.find("first")->as_integer(), row.find("second")->as_integer()) / p, 1.0,
        1e-9)
        << row.dump();
  }
  EXPECT_EQ(mcnemar_exact(0, 0), 1.0);
  EXPECT_EQ(mcnemar_exact(7, 7), 1.0);
  EXPECT_EQ(mcnemar_exact(3, 10), mcnemar_exact(10, 3));
  EXPECT_GE(mcnemar_exact(0, 100'000), 0.0);
}

TEST(PairedBootstrap, AgreesWithNumpy) {
  const Json json = paired_golden();
  const Json& paired = *json.find("paired");
  const auto& truth = paired.find("truth")->as_array();
  const auto difference = [&](bool mean_of_classes) {
    return [&, mean_of_classes](std::span<const std::size_t> drawn) -> Result<double> {
      double out = 0;
      for (const char* name : {"first", "second"}) {
        ConfusionMatrix counts(4);
        for (const std::size_t i : drawn) {
          counts.add(static_cast<std::size_t>(truth[i].as_integer()),
                     static_cast<std::size_t>(paired.find(name)->as_array()[i].as_integer()));
        }
        const double figure = mean_of_classes ? unweighted_average_recall(counts).value().percent
                                              : weighted_average_recall(counts).value();
        out = name[0] == 'f' ? figure : out - figure;
      }
      return out;
    };
  };
  for (const bool classes : {false, true}) {
    Rng rng(3);
    const auto got = paired_bootstrap(truth.size(), difference(classes), rng, {.resamples = 4000});
    MIEN_ASSERT_OK(got);
    const auto& figures = paired.find(classes ? "uar" : "war")->as_array();
    EXPECT_NEAR(got->difference, figures[0].as_number() - figures[1].as_number(), 1e-9);
    const auto& interval = paired.find(classes ? "uar_interval" : "war_interval")->as_array();
    EXPECT_NEAR(got->interval.low, interval[0].as_number(), 1.0);  // steps of a third
    EXPECT_NEAR(got->interval.high, interval[1].as_number(), 1.0);
    EXPECT_GT(got->p_value, 0);
    EXPECT_LE(got->p_value, 1);
  }
}

TEST(PairedBootstrap, EqualModelsDoNotDiffer) {
  Rng rng(1);
  const auto same = paired_bootstrap(
      10, [](std::span<const std::size_t>) -> Result<double> { return 0.0; }, rng);
  MIEN_ASSERT_OK(same);
  EXPECT_EQ(same->difference, 0);
  EXPECT_EQ(same->p_value, 1);
  Rng other(1);
  const auto always =
      paired_bootstrap(10, [](std::span<const std::size_t>) -> Result<double> { return 3.0; },
                       other, {.resamples = 99});
  MIEN_ASSERT_OK(always);
  EXPECT_NEAR(always->p_value, 0.02, 1e-12);
  MIEN_EXPECT_CODE(paired_bootstrap(
                       0, [](std::span<const std::size_t>) -> Result<double> { return 0.0; }, rng),
                   StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace mien::metrics
