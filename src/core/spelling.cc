#include "core/spelling.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/utf8.h"

namespace mien {
namespace {

using Letters = std::vector<char32_t>;

std::size_t distance_of(const Letters& a, const Letters& b, std::size_t most) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > most) return most + 1;
  // Rows of the edit distance table: for the previous letter but one, the previous one and this one
  // (a swap looks two rows back).
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    if (*std::min_element(row.begin(), row.end()) > most) return most + 1;
    std::swap(before, last);
    std::swap(last, row);
  }
  return std::min(last.back(), most + 1);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t most) {
  return distance_of(to_code_points(a), to_code_points(b), std::min(most, kAnyDistance));
}

std::vector<std::size_t> nearest(std::string_view word, std::span<const std::string_view> known,
                                 std::size_t most) {
  constexpr std::size_t kBytesOfALetter = 4;  // at most
  const Letters letters = to_code_points(word);
  std::vector<std::size_t> out;
  std::size_t least = std::min(most, kAnyDistance);
  for (std::size_t i = 0; i < known.size(); ++i) {
    // Very long words need not be decoded.
    if (known[i].size() / kBytesOfALetter > letters.size() &&
        known[i].size() / kBytesOfALetter - letters.size() > least) {
      continue;
    }
    const std::size_t distance = distance_of(letters, to_code_points(known[i]), least);
    if (distance > least) continue;
    if (distance < least) out.clear();
    least = distance;
    out.push_back(i);
  }
  return out;
}

}  // namespace mien
