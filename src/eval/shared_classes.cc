#include "eval/shared_classes.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/eval/run.h"

namespace mien::eval {

Result<SharedClasses> keep_shared_classes(const data::Manifest& manifest,
                                          const text::LabelSet& labels) {
  SharedClasses out{.manifest = manifest};
  std::vector<int> new_indices;  // new index of every class, or -1
  out.manifest.classes.clear();
  for (const std::string& name : manifest.classes) {
    const bool shared = match_labels(labels, {name}).ok();
    new_indices.push_back(shared ? static_cast<int>(out.manifest.classes.size()) : -1);
    (shared ? out.manifest.classes : out.left_out).push_back(name);
  }
  if (out.manifest.classes.size() < 2) {
    return invalid_argument(
        fmt::format("{}: {} of its classes match a label (expected at least two of {})",
                    manifest.name, out.manifest.classes.size(), fmt::join(manifest.classes, ", ")));
  }
  std::vector<data::Sample> kept;
  for (data::Sample& sample : out.manifest.samples) {
    const bool all = std::all_of(sample.labels.begin(), sample.labels.end(), [&](int label) {
      return new_indices[static_cast<std::size_t>(label)] >= 0;
    });
    if (!all) {
      ++out.samples_left_out;
      continue;
    }
    for (int& label : sample.labels) label = new_indices[static_cast<std::size_t>(label)];
    sample.soft.clear();  // it is a distribution over the previous classes
    kept.push_back(std::move(sample));
  }
  out.manifest.samples = std::move(kept);
  return out;
}

}  // namespace mien::eval
