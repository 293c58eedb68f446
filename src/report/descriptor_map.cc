#include "report/descriptor_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/html.h"
#include "report/text.h"

namespace mien::report {
namespace {

constexpr double kCellWidth = 58, kCellHeight = 22, kMapLeft = 170, kMapTop = 96;
constexpr double kGap = 6;  // between labels
constexpr std::size_t kMostRows = 400;

// The range of one column: a sample is compared with all descriptions, so columns are read from top
// to bottom.
std::pair<double, double> range_of(const eval::DescriptorMap& map, std::size_t column) {
  double low = 1, high = -1;
  for (const auto& row : map.cosines) {
    if (!std::isfinite(row[column])) continue;
    low = std::min(low, row[column]);
    high = std::max(high, row[column]);
  }
  return {low, std::max(high, low + 1e-9)};
}

std::string cell(double x, double y, double value, double share) {
  if (!std::isfinite(value)) return {};
  if (std::abs(value) < 0.005) value = 0;  // no "-0.00"
  return fmt::format(
      "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"{:.0f}\" height=\"{:.0f}\" fill=\"var(--mark)\" "
      "fill-opacity=\"{:.3f}\" stroke=\"var(--line)\"/>"
      "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>{:.2f}</text>",
      x, y, kCellWidth - 2, kCellHeight - 2, 0.75 * share, x + kCellWidth / 2 - 1, y + 14, value);
}

}  // namespace

std::string descriptor_map_html(const eval::DescriptorMap& map,
                                const std::vector<std::string>& classes) {
  if (map.empty()) return {};
  const std::size_t rows = std::min(map.cosines.size(), kMostRows);
  std::string body;
  double y = kMapTop;
  std::size_t number = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const std::string& label = map.labels[r];
    const bool first = r == 0 || label != map.labels[r - 1];
    number = first ? 1 : number + 1;
    if (first && r > 0) y += kGap;
    body += fmt::format(
        "<g><title>{}</title><text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=end>{} "
        "{}</text>",
        escape_markup(map.texts[r]), kMapLeft - 8, y + 14, escape_markup(shorten(label, 20)),
        number);
    for (std::size_t c = 0; c < classes.size(); ++c) {
      const auto [low, high] = range_of(map, c);
      const double value = map.cosines[r][c];
      body += cell(kMapLeft + static_cast<double>(c) * kCellWidth, y, value,
                   (value - low) / (high - low));
    }
    body += "</g>";
    y += kCellHeight;
  }
  std::string head;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    head += fmt::format("<text transform=\"translate({:.0f} {:.0f}) rotate(-40)\">{}</text>",
                        kMapLeft + (static_cast<double>(c) + 0.5) * kCellWidth - 6, kMapTop - 8,
                        escape_markup(shorten(classes[c], 16)));
  }
  const double width = kMapLeft + static_cast<double>(classes.size()) * kCellWidth + 60;
  std::string out = fmt::format(
      "<h2>Descriptions by class</h2><p class=dim>Rows: the descriptions of every label. Columns: "
      "truth. Mean cosine of a description with the samples of a class; darker is closer within "
      "its column{}.</p>"
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" role=img "
      "aria-label=\"descriptions by class\">",
      rows < map.cosines.size() ? fmt::format(" (the first {} of {})", rows, map.cosines.size())
                                : std::string(),
      width, y + 10, width);
  out += head + body + "</svg><details><summary>Texts of the descriptions</summary><ol>";
  for (std::size_t r = 0; r < rows; ++r) {
    out +=
        fmt::format("<li>{}: {}</li>", escape_markup(map.labels[r]), escape_markup(map.texts[r]));
  }
  return out + "</ol></details>";
}

}  // namespace mien::report
