#pragma once

#include <cstddef>
#include <span>

#include "mien/core/status.h"

namespace mien::metrics {

/// Mean negative log likelihood of the truths under softmax(logits / temperature), in nats.
/// Shape: logits [samples, classes], truths [samples]. Precondition: samples > 0, truths are
/// classes, temperature > 0.
double negative_log_likelihood(std::span<const double> logits, std::size_t classes,
                               std::span<const int> truths, double temperature);

/// The temperature that makes the truths most likely, between 0.05 and 20.
/// Errors: kInvalidArgument without samples, with fewer than two classes, or when shapes do not
/// match or a truth is not a class. Source: "On Calibration of Modern Neural Networks" (arXiv
/// 1706.04599).
Result<double> fit_temperature(std::span<const double> logits, std::size_t classes,
                               std::span<const int> truths);

/// The threshold that a share `accept` of the values reaches.
/// Errors: kInvalidArgument without values or for a share outside (0, 1].
Result<double> acceptance_threshold(std::span<const double> values, double accept);

}  // namespace mien::metrics
