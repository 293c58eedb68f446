#include "report/label_colours.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "mien/text/prompts.h"

namespace mien::report {
namespace {

// Indices into kLabelColours.
constexpr std::array<std::pair<std::string_view, std::size_t>, 11> kFixed{{{"happy", 0},
                                                                           {"neutral", 1},
                                                                           {"angry", 2},
                                                                           {"surprise", 3},
                                                                           {"fear", 4},
                                                                           {"disgust", 5},
                                                                           {"sad", 6},
                                                                           {"anxiety", 7},
                                                                           {"contempt", 8},
                                                                           {"helplessness", 9},
                                                                           {"disappointment", 10}}};

// FNV-1a: the same on every machine.
std::size_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::size_t>(hash % kLabelColours.size());
}

}  // namespace

LabelColours::LabelColours(std::vector<std::string> labels) {
  std::sort(labels.begin(), labels.end());
  std::array<int, kLabelColours.size()> uses{};
  for (const std::string& label : labels) {
    const std::string_view meaning = text::builtin_label_of(label);
    const auto fixed = std::find_if(kFixed.begin(), kFixed.end(),
                                    [&](const auto& each) { return each.first == meaning; });
    // If a set has two names of one expression, the second is treated like any other label.
    if (fixed == kFixed.end() || uses[fixed->second] > 0) continue;
    colours_.emplace(label, fixed->second);
    ++uses[fixed->second];
  }
  for (const std::string& label : labels) {
    if (colours_.contains(label)) continue;
    const std::size_t first = hash_of(label);
    std::size_t best = first;
    for (std::size_t i = 0; i < kLabelColours.size(); ++i) {
      const std::size_t index = (first + i) % kLabelColours.size();
      if (uses[index] < uses[best]) best = index;
      if (uses[best] == 0) break;
    }
    colours_.emplace(label, best);
    ++uses[best];
  }
}

const Colour& LabelColours::of(std::string_view label) const {
  const auto index = colours_.find(label);
  return index == colours_.end() ? kGrey : kLabelColours[index->second];
}

LabelColours colours_of(const std::vector<engine::LabelScore>& labels) {
  std::vector<std::string> names;
  for (const engine::LabelScore& score : labels) names.push_back(score.label);
  return LabelColours(std::move(names));
}

LabelColours colours_of(std::span<const pipeline::TrackResult> tracks) {
  std::vector<std::string> names;
  for (const pipeline::TrackResult& track : tracks) {
    for (const pipeline::LabelTime& time : track.shares) {
      if (!time.unknown) names.push_back(time.label);
    }
    if (!names.empty()) break;
  }
  return LabelColours(std::move(names));
}

}  // namespace mien::report
