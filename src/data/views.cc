#include "data/views.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace mien::data {
namespace {

const Sample& at(const Manifest& manifest, std::int64_t index) {
  return manifest.samples[static_cast<std::size_t>(index)];
}

bool carries(const Sample& sample, int label) {
  return std::find(sample.labels.begin(), sample.labels.end(), label) != sample.labels.end();
}

template <class T>
void shuffle(std::vector<T>& items, Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[static_cast<std::size_t>(rng.below(i))]);
  }
}

}  // namespace

View all_of(const Manifest& manifest) {
  View out(manifest.samples.size());
  std::iota(out.begin(), out.end(), std::int64_t{0});
  return out;
}

View of_split(const Manifest& manifest, const View& view, std::string_view split) {
  View out;
  std::copy_if(view.begin(), view.end(), std::back_inserter(out),
               [&](std::int64_t index) { return at(manifest, index).split == split; });
  return out;
}

Result<TwoViews> leave_class_out(const Manifest& manifest, const View& train, const View& test,
                                 std::string_view name) {
  const auto found = std::find(manifest.classes.begin(), manifest.classes.end(), name);
  if (found == manifest.classes.end()) {
    return not_found(fmt::format("{}: has no class '{}' (expected one of {})", manifest.name, name,
                                 fmt::join(manifest.classes, ", ")));
  }
  const int label = static_cast<int>(found - manifest.classes.begin());
  TwoViews out;
  std::copy_if(train.begin(), train.end(), std::back_inserter(out.train),
               [&](std::int64_t index) { return !carries(at(manifest, index), label); });
  std::copy_if(test.begin(), test.end(), std::back_inserter(out.test),
               [&](std::int64_t index) { return carries(at(manifest, index), label); });
  if (out.train.empty() || out.test.empty()) {
    return invalid_argument(
        fmt::format("{}: leaving out '{}' leaves {} samples to train and {} to "
                    "test (expected some of both)",
                    manifest.name, name, out.train.size(), out.test.size()));
  }
  return out;
}

Result<std::vector<View>> subject_folds(const Manifest& manifest, const View& view, int folds,
                                        std::uint64_t seed) {
  std::map<std::string, View> of_subject;
  for (const std::int64_t index : view) {
    const Sample& sample = at(manifest, index);
    // A subject's name cannot start with a line feed, so these names are unique.
    of_subject[sample.subject.empty() ? fmt::format("\n{}", index) : sample.subject].push_back(
        index);
  }
  if (folds < 2 || static_cast<std::size_t>(folds) > of_subject.size()) {
    return invalid_argument(fmt::format("{}: {} folds of {} subjects (expected 2 to the subjects)",
                                        manifest.name, folds, of_subject.size()));
  }
  std::vector<const View*> subjects;
  for (const auto& [name, indices] : of_subject) subjects.push_back(&indices);
  Rng rng(seed);
  shuffle(subjects, rng);
  std::vector<View> out(static_cast<std::size_t>(folds));
  for (const View* indices : subjects) {
    const auto smallest = std::min_element(
        out.begin(), out.end(), [](const View& a, const View& b) { return a.size() < b.size(); });
    smallest->insert(smallest->end(), indices->begin(), indices->end());
  }
  for (View& fold : out) std::sort(fold.begin(), fold.end());
  return out;
}

Result<TwoViews> subject_part(const Manifest& manifest, const View& view, int folds, int fold) {
  if (fold < 0 || fold >= folds) {
    return invalid_argument(
        fmt::format("fold: {} of {} folds (expected 0 to {})", fold, folds, folds - 1));
  }
  MIEN_ASSIGN_OR_RETURN(const auto parts, subject_folds(manifest, view, folds, 1));
  return hold_out(parts, static_cast<std::size_t>(fold));
}

TwoViews hold_out(const std::vector<View>& folds, std::size_t k) {
  MIEN_CHECK(k < folds.size());
  TwoViews out;
  out.test = folds[k];
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (i != k) out.train.insert(out.train.end(), folds[i].begin(), folds[i].end());
  }
  std::sort(out.train.begin(), out.train.end());
  return out;
}

View balanced(const Manifest& manifest, const View& view, Rng& rng) {
  std::map<int, View> of_class;
  View out = view;
  std::size_t most = 0;
  for (const std::int64_t index : view) {
    const Sample& sample = at(manifest, index);
    if (sample.labels.empty()) continue;
    View& indices = of_class[sample.labels.front()];
    indices.push_back(index);
    most = std::max(most, indices.size());
  }
  for (const auto& [label, indices] : of_class) {
    for (std::size_t i = indices.size(); i < most; ++i) {
      out.push_back(indices[static_cast<std::size_t>(rng.below(indices.size()))]);
    }
  }
  return out;
}

View tempered(const Manifest& manifest, const View& view, double power, Rng& rng) {
  if (power == 0) return view;
  const auto label_of = [&](std::int64_t index) {
    const Sample& sample = at(manifest, index);
    return sample.labels.empty() ? -1 : sample.labels.front();
  };
  std::map<int, double> count;
  for (const std::int64_t index : view) ++count[label_of(index)];
  double total = 0;
  for (const auto& [label, n] : count) total += std::pow(n, 1 - power);
  View out;
  for (const std::int64_t index : view) {
    const double n = count[label_of(index)];
    double times = std::pow(n, -power) / total * static_cast<double>(view.size());
    for (; times >= 1; times -= 1) out.push_back(index);
    if (rng.uniform() < times) out.push_back(index);
  }
  while (out.size() > view.size()) {
    std::swap(out[static_cast<std::size_t>(rng.below(out.size()))], out.back());
    out.pop_back();
  }
  while (out.size() < view.size()) {
    out.push_back(view[static_cast<std::size_t>(rng.below(view.size()))]);
  }
  return out;
}

Manifest only(Manifest manifest, const View& view) {
  std::vector<Sample> kept;
  for (const std::int64_t index : view) kept.push_back(at(manifest, index));
  manifest.samples = std::move(kept);
  return manifest;
}

Manifest compound_classes(Manifest manifest) {
  std::map<std::vector<int>, int> index_of;
  for (Sample& sample : manifest.samples) {
    std::sort(sample.labels.begin(), sample.labels.end());
    sample.labels.erase(std::unique(sample.labels.begin(), sample.labels.end()),
                        sample.labels.end());
    if (sample.labels.size() > 1) index_of.emplace(sample.labels, 0);
  }
  const std::vector<std::string> singles = manifest.classes;
  for (auto& [labels, index] : index_of) {
    std::string name;
    for (const int label : labels) {
      name += (name.empty() ? "" : "+") + singles[static_cast<std::size_t>(label)];
    }
    index = static_cast<int>(manifest.classes.size());
    manifest.classes.push_back(std::move(name));
  }
  for (Sample& sample : manifest.samples) {
    if (sample.labels.size() > 1) sample.labels = {index_of.at(sample.labels)};
    sample.soft.clear();
  }
  return manifest;
}

View shuffled(View view, Rng& rng) {
  shuffle(view, rng);
  return view;
}

}  // namespace mien::data
