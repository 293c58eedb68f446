#include "face/assign.h"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace mien::face {
namespace {

constexpr std::size_t kMostSolved = 200;  // rows or columns; the time grows with the third power

/// The cheapest assignment of a distinct column to every row. Precondition: as many columns as
/// rows. Source: Kuhn 1955 in the form of Jonker and Volgenant, with potentials.
std::vector<std::size_t> solve(const std::vector<double>& cost, std::size_t n) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  std::vector<double> of_row(n + 1, 0);
  std::vector<double> of_column(n + 1, 0);
  std::vector<std::size_t> row_of(n + 1, 0);  // of every column, from 1; 0: none yet
  for (std::size_t row = 1; row <= n; ++row) {
    std::vector<double> least(n + 1, kFar);
    std::vector<std::size_t> before(n + 1, 0);
    std::vector<bool> done(n + 1, false);
    std::size_t column = 0;
    row_of[0] = row;
    do {
      done[column] = true;
      const std::size_t from = row_of[column];
      double step = kFar;
      std::size_t next = 0;
      for (std::size_t c = 1; c <= n; ++c) {
        if (done[c]) continue;
        const double left = cost[(from - 1) * n + c - 1] - of_row[from] - of_column[c];
        if (left < least[c]) {
          least[c] = left;
          before[c] = column;
        }
        if (least[c] < step) {
          step = least[c];
          next = c;
        }
      }
      for (std::size_t c = 0; c <= n; ++c) {
        if (done[c]) {
          of_row[row_of[c]] += step;
          of_column[c] -= step;
        } else {
          least[c] -= step;
        }
      }
      column = next;
    } while (row_of[column] != 0);
    for (; column != 0; column = before[column]) row_of[column] = row_of[before[column]];
  }
  std::vector<std::size_t> out(n, 0);
  for (std::size_t c = 1; c <= n; ++c) out[row_of[c] - 1] = c - 1;
  return out;
}

/// Connected components: items connected directly or through others.
void pair_group(std::vector<Pair>& group, std::vector<int>& out) {
  std::map<std::size_t, std::size_t> rows;
  std::map<std::size_t, std::size_t> columns;
  for (const Pair& pair : group) {
    rows.try_emplace(pair.from, rows.size());
    columns.try_emplace(pair.to, columns.size());
  }
  const std::size_t n = std::max(rows.size(), columns.size());
  if (n > kMostSolved) {
    std::stable_sort(group.begin(), group.end(),
                     [](const Pair& a, const Pair& b) { return a.gain > b.gain; });
    std::vector<bool> taken(columns.size(), false);
    for (const Pair& pair : group) {
      const std::size_t column = columns[pair.to];
      if (out[pair.from] >= 0 || taken[column]) continue;
      out[pair.from] = static_cast<int>(pair.to);
      taken[column] = true;
    }
    return;
  }
  std::vector<double> cost(n * n, 0);  // 0: unpaired
  for (const Pair& pair : group) {
    cost[rows[pair.from] * n + columns[pair.to]] = -static_cast<double>(pair.gain);
  }
  const std::vector<std::size_t> column_of = solve(cost, n);
  for (const Pair& pair : group) {
    if (column_of[rows[pair.from]] == columns[pair.to]) {
      out[pair.from] = static_cast<int>(pair.to);
    }
  }
}

}  // namespace

std::vector<int> assign(std::size_t count, std::span<const Pair> pairs) {
  std::size_t targets = 0;
  for (const Pair& pair : pairs) targets = std::max(targets, pair.to + 1);
  std::vector<std::size_t> leader(count + targets);
  std::iota(leader.begin(), leader.end(), std::size_t{0});
  const auto find = [&](std::size_t i) {
    while (leader[i] != i) i = leader[i] = leader[leader[i]];
    return i;
  };
  for (const Pair& pair : pairs) leader[find(pair.from)] = find(count + pair.to);
  std::map<std::size_t, std::vector<Pair>> groups;
  for (const Pair& pair : pairs) groups[find(pair.from)].push_back(pair);
  std::vector<int> out(count, -1);
  for (auto& [name, group] : groups) pair_group(group, out);
  return out;
}

}  // namespace mien::face
