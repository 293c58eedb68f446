#include "mien/report/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/report/text.h"
#include "report/page.h"

namespace mien::report {
namespace {

std::string figure(std::string_view name, double value, const metrics::Interval& interval) {
  return fmt::format("<div>{}<b>{:.2f} %</b><span class=dim>95 %: {:.2f} to {:.2f}</span></div>",
                     name, value, interval.low, interval.high);
}

std::string confusion_svg(const eval::ClosedSetReport& report) {
  const std::size_t n = report.classes.size();
  constexpr double kCell = 54, kLeft = 130, kTop = 96;
  const double side = kCell * static_cast<double>(n);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {:.0f} {:.0f}\" width=\"{:.0f}\" role=img aria-label=\"confusion "
      "matrix\">",
      kLeft + side + 10, kTop + side + 10, kLeft + side + 10);
  for (std::size_t c = 0; c < n; ++c) {
    const double middle = (static_cast<double>(c) + 0.5) * kCell;
    const std::string name = escape(shorten(report.classes[c], 16));
    out += fmt::format("<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=end>{}</text>", kLeft - 8,
                       kTop + middle + 4, name);
    out += fmt::format("<text transform=\"translate({:.0f} {:.0f}) rotate(-40)\">{}</text>",
                       kLeft + middle - 6, kTop - 8, name);
    const auto total = static_cast<double>(std::max<std::int64_t>(report.confusion.row_sum(c), 1));
    for (std::size_t p = 0; p < n; ++p) {
      const double share = static_cast<double>(report.confusion.at(c, p)) / total;
      const double x = kLeft + static_cast<double>(p) * kCell;
      const double y = kTop + static_cast<double>(c) * kCell;
      out += fmt::format(
          "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"52\" height=\"52\" fill=\"var(--mark)\" "
          "fill-opacity=\"{:.3f}\" stroke=\"var(--line)\"/>"
          "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>{:.0f}%</text>"
          "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle class=dim>{}</text>",
          x, y, 0.75 * share, x + 26, y + 25, 100 * share, x + 26, y + 41,
          report.confusion.at(c, p));
    }
  }
  return out + "</svg>";
}

std::string reliability_svg(const metrics::Calibration& calibration) {
  constexpr double kSide = 260, kLeft = 40, kTop = 10;
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 330 320\" width=\"330\" role=img aria-label=\"reliability\">"
      "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=none stroke=\"var(--line)\"/>"
      "<line x1=\"{0}\" y1=\"{3}\" x2=\"{4}\" y2=\"{1}\" stroke=\"var(--dim)\" "
      "stroke-dasharray=\"4 4\"/>",
      kLeft, kTop, kSide, kTop + kSide, kLeft + kSide);
  std::string line;
  for (const metrics::ReliabilityBin& bin : calibration.bins) {
    if (bin.count == 0) continue;
    const double x = kLeft + kSide * bin.confidence;
    const double y = kTop + kSide * (1 - bin.accuracy);
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"var(--mark)\"/>", x, y);
  }
  out += fmt::format(
      "<polyline points=\"{}\" fill=none stroke=\"var(--mark)\"/>"
      "<text x=\"{}\" y=\"{}\" text-anchor=middle>confidence, 0 to 1</text>"
      "<text transform=\"translate(22 {}) rotate(-90)\" text-anchor=middle>share that is "
      "right</text></svg>",
      line, kLeft + kSide / 2, kTop + kSide + 24, kTop + kSide / 2);
  return out;
}

}  // namespace

std::string evaluation_table(const eval::ClosedSetReport& report, bool unicode) {
  std::string out = fmt::format(
      "{} samples\n  WAR       {:6.2f} %  (95 %: {:.2f} to {:.2f})\n"
      "  UAR       {:6.2f} %  (95 %: {:.2f} to {:.2f})\n  macro F1  {:6.2f} %\n"
      "  top 2     {:6.2f} %\n  ECE       {:6.2f} %\n\n",
      report.samples, report.war, report.war_interval.low, report.war_interval.high,
      report.uar.percent, report.uar_interval.low, report.uar_interval.high,
      report.macro_f1.percent, report.top2, report.calibration.ece_percent);
  out += "  " + fit("truth \\ said", 14, Align::kLeft, unicode) + "  recall";
  for (const std::string& name : report.classes) out += "  " + fit(name, 8, Align::kRight, unicode);
  out += "\n";
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    out += "  " + fit(report.classes[c], 14, Align::kLeft, unicode);
    out += report.uar.per_class[c] ? fmt::format("  {:6.2f}", *report.uar.per_class[c])
                                   : std::string("  absent");
    for (std::size_t p = 0; p < report.classes.size(); ++p) {
      out += fmt::format("  {:8}", report.confusion.at(c, p));
    }
    out += "\n";
  }
  return out;
}

std::string evaluation_html(const eval::ClosedSetReport& report, const Facts& facts,
                            std::string_view notice, std::string_view more) {
  std::string out = page_head(facts) + "<h2>Figures</h2><div class=big>";
  out += figure("WAR", report.war, report.war_interval);
  out += figure("UAR", report.uar.percent, report.uar_interval);
  out += "</div>";
  out += fmt::format(
      "<p>{} samples. Macro F1 {:.2f} %, top 2 {:.2f} %, expected calibration error {:.2f} %.</p>",
      report.samples, report.macro_f1.percent, report.top2, report.calibration.ece_percent);
  out += "<h2>Per class</h2><table><tr><th>class</th><th>samples</th><th>recall</th></tr>";
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    out += fmt::format("<tr><td>{}</td><td class=n>{}</td><td class=n>{}</td></tr>",
                       escape(report.classes[c]), report.confusion.row_sum(c),
                       report.uar.per_class[c] ? fmt::format("{:.2f} %", *report.uar.per_class[c])
                                               : std::string("absent"));
  }
  out +=
      "</table><h2>Confusion matrix</h2><p class=dim>Rows: truth. Columns: what was said. Share "
      "of the row, and count.</p>";
  out += confusion_svg(report) + "<h2>Reliability</h2>" + reliability_svg(report.calibration);
  out += more;
  return out + page_foot(notice);
}

}  // namespace mien::report
