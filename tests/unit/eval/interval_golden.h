#pragma once

// Figures of numpy and scikit-learn (scripts/make_interval_golden.py).

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/file.h"
#include "mien/core/json.h"
#include "mien/eval/closed_set.h"
#include "support/test_support.h"

namespace mien::eval {

inline Json interval_golden() {
  return *Json::parse(*read_text_file(mien::test::golden("intervals.json"), 1 << 20));
}

/// Both ends within `tolerance` (percent points) of those of numpy: the chance of resampling.
inline void expect_interval(const metrics::Interval& got, const Json& expected, double tolerance) {
  EXPECT_NEAR(got.low, expected.as_array()[0].as_number(), tolerance);
  EXPECT_NEAR(got.high, expected.as_array()[1].as_number(), tolerance);
}

/// A prediction of `said` among `classes`.
inline Prediction prediction_of(std::string id, std::size_t truth, std::size_t said,
                                std::size_t classes) {
  Prediction out{
      .id = std::move(id), .truth = truth, .probabilities = std::vector<double>(classes)};
  out.probabilities[said] = 1;
  return out;
}

inline std::size_t index(const Json& value) { return static_cast<std::size_t>(value.as_integer()); }

}  // namespace mien::eval
