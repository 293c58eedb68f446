#include "methods/kit/figures.h"

#include "mien/metrics/confusion.h"

namespace mien::methods {

Result<NamedValues> class_figures(std::size_t classes, const std::vector<std::int64_t>& truth,
                                  const std::vector<std::int64_t>& said) {
  metrics::ConfusionMatrix counts(classes);
  for (std::size_t i = 0; i < truth.size(); ++i) {
    counts.add(static_cast<std::size_t>(truth[i]), static_cast<std::size_t>(said[i]));
  }
  MIEN_ASSIGN_OR_RETURN(const double war, metrics::weighted_average_recall(counts));
  MIEN_ASSIGN_OR_RETURN(const auto uar, metrics::unweighted_average_recall(counts));
  return NamedValues{{"war", war}, {"uar", uar.percent}};
}

}  // namespace mien::methods
