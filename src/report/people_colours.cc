#include "report/people_colours.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace mien::report {
namespace {

constexpr std::size_t kMaxKept = 10'000;  // of a long clip
constexpr double kApart = 4;  // in sizes of a face: beyond this distance a colour may repeat

double size_of(const Rect& box) { return std::sqrt(std::max(box.area(), 1.0)); }

// The distance of two faces, in units of their size.
double distance(const Rect& a, const Rect& b) {
  const double x = a.x + a.w / 2 - b.x - b.w / 2;
  const double y = a.y + a.h / 2 - b.y - b.h / 2;
  return std::hypot(x, y) / std::max(size_of(a), size_of(b));
}

}  // namespace

void PeopleColours::see(std::span<const std::int64_t> numbers, std::span<const Rect> boxes) {
  const std::size_t count = std::min(numbers.size(), boxes.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (colours_.contains(numbers[i])) continue;
    // The distance to the nearest face of each colour.
    std::array<double, kTrackColours.size()> nearest{};
    nearest.fill(std::numeric_limits<double>::infinity());
    for (std::size_t j = 0; j < count; ++j) {
      const auto other = colours_.find(numbers[j]);
      if (j == i || other == colours_.end()) continue;
      double& least = nearest[other->second];
      least = std::min(least, distance(boxes[i], boxes[j]));
    }
    const auto usual =
        static_cast<std::size_t>(std::max<std::int64_t>(numbers[i], 0)) % kTrackColours.size();
    std::size_t best = usual;
    if (nearest[usual] < kApart) {
      best = static_cast<std::size_t>(std::max_element(nearest.begin(), nearest.end()) -
                                      nearest.begin());
    }
    if (colours_.size() < kMaxKept) colours_.emplace(numbers[i], best);
  }
}

const Colour& PeopleColours::of(std::int64_t number) const {
  const auto index = colours_.find(number);
  return index == colours_.end() ? track_colour(number) : kTrackColours[index->second];
}

}  // namespace mien::report
