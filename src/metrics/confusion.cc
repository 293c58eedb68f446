#include "mien/metrics/confusion.h"

#include <numeric>

#include "mien/core/check.h"

namespace mien::metrics {
namespace {

Status no_samples() {
  return invalid_argument("confusion matrix: no samples (expected at least one)");
}

double ratio(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

template <class Value>
Result<ClassMean> mean_over_classes(const ConfusionMatrix& counts, Value value) {
  if (counts.total() == 0) return no_samples();
  ClassMean out;
  double sum = 0;
  for (std::size_t c = 0; c < counts.classes(); ++c) {
    if (counts.row_sum(c) == 0) {
      out.absent.push_back(c);
      out.per_class.emplace_back(std::nullopt);
      continue;
    }
    out.per_class.emplace_back(100.0 * value(c));
    sum += *out.per_class.back();
  }
  out.percent = sum / static_cast<double>(counts.classes() - out.absent.size());
  return out;
}

}  // namespace

ConfusionMatrix::ConfusionMatrix(std::size_t classes)
    : classes_(classes), counts_(classes * classes) {
  MIEN_CHECK(classes > 0);
}

void ConfusionMatrix::add(std::size_t truth, std::size_t prediction, std::int64_t count) {
  MIEN_CHECK(truth < classes_ && prediction < classes_ && count >= 0);
  counts_[truth * classes_ + prediction] += count;
}

std::int64_t ConfusionMatrix::at(std::size_t truth, std::size_t prediction) const {
  MIEN_CHECK(truth < classes_ && prediction < classes_);
  return counts_[truth * classes_ + prediction];
}

std::int64_t ConfusionMatrix::row_sum(std::size_t truth) const {
  std::int64_t sum = 0;
  for (std::size_t p = 0; p < classes_; ++p) sum += at(truth, p);
  return sum;
}

std::int64_t ConfusionMatrix::column_sum(std::size_t prediction) const {
  std::int64_t sum = 0;
  for (std::size_t t = 0; t < classes_; ++t) sum += at(t, prediction);
  return sum;
}

std::int64_t ConfusionMatrix::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::int64_t ConfusionMatrix::correct() const {
  std::int64_t sum = 0;
  for (std::size_t c = 0; c < classes_; ++c) sum += at(c, c);
  return sum;
}

Result<double> weighted_average_recall(const ConfusionMatrix& counts) {
  if (counts.total() == 0) return no_samples();
  return 100.0 * ratio(counts.correct(), counts.total());
}

Result<ClassMean> unweighted_average_recall(const ConfusionMatrix& counts) {
  return mean_over_classes(
      counts, [&](std::size_t c) { return ratio(counts.at(c, c), counts.row_sum(c)); });
}

Result<ClassMean> macro_f1(const ConfusionMatrix& counts) {
  return mean_over_classes(counts, [&](std::size_t c) {
    return 2.0 * ratio(counts.at(c, c), counts.row_sum(c) + counts.column_sum(c));
  });
}

}  // namespace mien::metrics
