#include <fmt/format.h>

#include <array>
#include <cmath>

#include "report/page.h"

namespace mien::report {
namespace {

// Distinct by colour on light and dark pages, and by dashes in print.
struct Pen {
  const char* colour;
  const char* dashes;
};
constexpr std::array<Pen, 4> kPens{
    {{"var(--mark)", "none"}, {"#cc6677", "7 3"}, {"#44aa99", "2 3"}, {"#b08820", "9 3 2 3"}}};

std::string pen(std::size_t line) {
  const Pen& pen = kPens[line % kPens.size()];
  return fmt::format("fill=none stroke=\"{}\" stroke-width=2 stroke-dasharray=\"{}\"", pen.colour,
                     pen.dashes);
}

}  // namespace

std::string unit_chart(const std::string& title, std::string_view x_name, std::string_view y_name,
                       const std::vector<ChartLine>& lines, bool diagonal) {
  constexpr double kSide = 250, kLeft = 44, kTop = 8;
  const auto x = [&](double value) { return kLeft + kSide * value; };
  const auto y = [&](double value) { return kTop + kSide * (1 - value); };
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 310 306\" width=310 height=306 role=img aria-label=\"{4}\">"
      "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=none stroke=\"var(--line)\"/>"
      "{3}",
      kLeft, kTop, kSide,
      diagonal ? fmt::format("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"var(--dim)\" "
                             "stroke-dasharray=\"4 4\"/>",
                             x(0), y(0), x(1), y(1))
               : std::string(),
      escape_markup(title));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += "<polyline points=\"";
    double last_x = -1, last_y = -1;
    for (const auto& point : lines[i].points) {
      const double at_x = x(point.first), at_y = y(point.second);
      const bool end = &point == &lines[i].points.back();
      if (!end && std::abs(at_x - last_x) < 0.4 && std::abs(at_y - last_y) < 0.4) continue;
      out += fmt::format("{:.1f},{:.1f} ", at_x, at_y);
      last_x = at_x;
      last_y = at_y;
    }
    out += fmt::format("\" {} />", pen(i));
  }
  for (const double at : {0.0, 0.5, 1.0}) {
    out += fmt::format(
        "<text class=dim x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>{}</text>"
        "<text class=dim x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=end>{}</text>",
        x(at), kTop + kSide + 16, at, kLeft - 6, y(at) + 4, at);
  }
  return out + fmt::format(
                   "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>{}</text><text "
                   "transform=\"translate(14 {:.0f}) rotate(-90)\" text-anchor=middle>{}</text>"
                   "</svg>\n",
                   kLeft + kSide / 2, kTop + kSide + 36, escape_markup(x_name), kTop + kSide / 2,
                   escape_markup(y_name));
}

std::string chart_legend(const std::vector<ChartLine>& lines) {
  std::string out = "<div class=legend>";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += fmt::format(
        "<span><svg width=34 height=8 aria-hidden=true><line x1=0 y1=4 x2=34 y2=4 {} "
        "/></svg>{}</span>",
        pen(i), escape_markup(lines[i].name));
  }
  return out + "</div>\n";
}

}  // namespace mien::report
