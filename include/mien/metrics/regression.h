#pragma once

#include <span>

#include "mien/core/status.h"

namespace mien::metrics {

/// How well one target is predicted, over all samples. Units of mae and rmse: those of the target.
struct RegressionError {
  double pcc = 0;  ///< Pearson correlation, with 1e-5 in the denominator
  double ccc = 0;  ///< concordance correlation, with 1e-5 in the denominator
  double mae = 0;
  double mse = 0;
  double rmse = 0;
};

/// Shape: prediction and truth [samples]. Errors: kInvalidArgument without samples, for sizes that
/// differ or values that are not finite. Source: EmoCLIP's released code (population variances and
/// the 1e-5 terms included).
Result<RegressionError> regression_error(std::span<const double> prediction,
                                         std::span<const double> truth);

}  // namespace mien::metrics
