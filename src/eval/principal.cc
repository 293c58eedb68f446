#include "eval/principal.h"

#include <cmath>

#include "mien/core/check.h"
#include "mien/core/rng.h"

namespace mien::eval {
namespace {

using Matrix = std::vector<double>;

// Gram-Schmidt; a direction that depends on the previous ones becomes zero.
void orthonormalise(Matrix& directions, std::size_t width) {
  const std::size_t count = directions.size() / width;
  for (std::size_t d = 0; d < count; ++d) {
    double* row = directions.data() + d * width;
    for (std::size_t before = 0; before < d; ++before) {
      const double* other = directions.data() + before * width;
      double along = 0;
      for (std::size_t i = 0; i < width; ++i) along += row[i] * other[i];
      for (std::size_t i = 0; i < width; ++i) row[i] -= along * other[i];
    }
    double square = 0;
    for (std::size_t i = 0; i < width; ++i) square += row[i] * row[i];
    const double factor = square > 1e-24 ? 1 / std::sqrt(square) : 0;
    for (std::size_t i = 0; i < width; ++i) row[i] *= factor;
  }
}

Matrix covariance_of(std::span<const float> rows, const std::vector<double>& mean) {
  const std::size_t width = mean.size();
  Matrix out(width * width, 0.0);
  std::vector<double> row(width);
  for (std::size_t at = 0; at < rows.size(); at += width) {
    for (std::size_t i = 0; i < width; ++i) row[i] = static_cast<double>(rows[at + i]) - mean[i];
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t j = 0; j < width; ++j) out[i * width + j] += row[i] * row[j];
    }
  }
  return out;
}

}  // namespace

std::vector<float> principal_plane(std::span<const float> rows, std::size_t width,
                                   std::size_t directions) {
  MIEN_CHECK(width > 0 && directions <= width && !rows.empty() && rows.size() % width == 0);
  std::vector<double> mean(width, 0.0);
  for (std::size_t at = 0; at < rows.size(); ++at) {
    mean[at % width] += static_cast<double>(rows[at]);
  }
  for (double& value : mean) value *= static_cast<double>(width) / static_cast<double>(rows.size());
  const Matrix covariance = covariance_of(rows, mean);
  Matrix now(directions * width);
  Rng rng(1);
  for (double& value : now) value = rng.normal();
  orthonormalise(now, width);
  // Subspace iteration: enough for a plane, whose single directions need not be exact.
  constexpr int kSteps = 60;
  for (int step = 0; step < kSteps; ++step) {
    Matrix next(directions * width, 0.0);
    for (std::size_t d = 0; d < directions; ++d) {
      for (std::size_t i = 0; i < width; ++i) {
        double sum = 0;
        for (std::size_t j = 0; j < width; ++j)
          sum += covariance[i * width + j] * now[d * width + j];
        next[d * width + i] = sum;
      }
    }
    orthonormalise(next, width);
    now = std::move(next);
  }
  std::vector<float> out(mean.begin(), mean.end());
  out.insert(out.end(), now.begin(), now.end());
  return out;
}

}  // namespace mien::eval
