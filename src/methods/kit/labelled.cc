#include "methods/kit/labelled.h"

#include <fmt/format.h>

#include <vector>

namespace mien::methods {

void keep_labelled(const data::Manifest& manifest, data::View& view) {
  std::erase_if(view, [&](std::int64_t place) {
    return manifest.samples[static_cast<std::size_t>(place)].labels.size() != 1;
  });
}

Status keep_labelled(TrainingData& data) {
  keep_labelled(*data.train, data.train_view);
  keep_labelled(*data.val, data.val_view);
  if (data.train_view.empty()) {
    return invalid_argument(data.train->name +
                            ": no labels in the training samples (expected a column 'label')");
  }
  if (data.train->classes.size() < 2) {
    return invalid_argument(fmt::format("{}: has {} class (expected at least 2)", data.train->name,
                                        data.train->classes.size()));
  }
  return {};
}

}  // namespace mien::methods
