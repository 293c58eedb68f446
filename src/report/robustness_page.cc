#include <fmt/format.h>

#include <algorithm>

#include "report/page.h"
#include "report/protocol_pages.h"

namespace mien::report {
namespace {

constexpr double kWidth = 190, kHeight = 120, kPlotLeft = 34, kPlotTop = 8;

struct Series {
  std::string name;
  std::vector<const eval::CorruptedRun*> runs;  // by level, beginning with the original pictures
};

std::vector<Series> series_of(const eval::RobustnessReport& report) {
  std::vector<Series> out;
  for (const eval::CorruptedRun& run : report.runs) {
    if (run.level == 0) continue;
    if (out.empty() || out.back().name != run.corruption) {
      out.push_back({run.corruption, {&report.runs.front()}});
    }
    out.back().runs.push_back(&run);
  }
  return out;
}

std::string chart(const Series& series) {
  const auto last = static_cast<double>(std::max<std::size_t>(1, series.runs.size() - 1));
  const auto x = [&](std::size_t level) {
    return kPlotLeft + kWidth * static_cast<double>(level) / last;
  };
  const auto y = [&](double percent) { return kPlotTop + kHeight * (1 - percent / 100); };
  std::string upper, lower, line, dots;
  for (std::size_t i = 0; i < series.runs.size(); ++i) {
    const eval::ClosedSetReport& report = series.runs[i]->report;
    upper += fmt::format("{:.1f},{:.1f} ", x(i), y(report.war_interval.high));
    lower = fmt::format("{:.1f},{:.1f} ", x(i), y(report.war_interval.low)) + lower;
    line += fmt::format("{:.1f},{:.1f} ", x(i), y(report.war));
    dots += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=3 fill=\"var(--mark)\"><title>level {}: {:.2f} "
        "%</title></circle><text class=dim x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=middle>{}</text>",
        x(i), y(report.war), i, report.war, x(i), kPlotTop + kHeight + 16, i);
  }
  std::string out = fmt::format(
      "<figure><svg viewBox=\"0 0 {} {}\" width={} height={} role=img aria-label=\"WAR under {}\">",
      kPlotLeft + kWidth + 8, kPlotTop + kHeight + 24, kPlotLeft + kWidth + 8,
      kPlotTop + kHeight + 24, escape_markup(series.name));
  for (const double percent : {0.0, 50.0, 100.0}) {
    out += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"var(--line)\"/><text "
        "class=dim x=\"{3}\" y=\"{4:.1f}\" text-anchor=end>{5:.0f}</text>",
        kPlotLeft, kPlotLeft + kWidth, y(percent), kPlotLeft - 6, y(percent) + 4, percent);
  }
  return out + fmt::format(
                   "<polygon points=\"{}{}\" fill=\"var(--mark)\" fill-opacity=\".18\"/><polyline "
                   "points=\"{}\" fill=none stroke=\"var(--mark)\" stroke-width=2 />{}</svg>"
                   "<figcaption>{}</figcaption></figure>\n",
                   upper, lower, line, dots, escape_markup(series.name));
}

std::string table(const std::vector<Series>& all) {
  std::size_t levels = 0;
  for (const Series& series : all) levels = std::max(levels, series.runs.size() - 1);
  std::string out = "<div class=scroll><table class=classes><tr><th>WAR, level</th>";
  for (std::size_t level = 1; level <= levels; ++level) {
    out += fmt::format("<th class=n>{}</th>", level);
  }
  out += "</tr>\n";
  for (const Series& series : all) {
    out += fmt::format("<tr><td>{}</td>", escape_markup(series.name));
    for (std::size_t i = 1; i < series.runs.size(); ++i) {
      const eval::ClosedSetReport& report = series.runs[i]->report;
      out += interval_cell(report.war, report.war_interval);
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string robustness_page(const eval::RobustnessReport& report, const Facts& facts,
                            std::string_view notice) {
  const std::vector<Series> all = series_of(report);
  std::string out = facts_head(facts) + "<h2>Figures</h2>\n<div class=big>\n";
  out +=
      big_figure("WAR on original pictures", report.war, report.runs.front().report.war_interval);
  out += big_figure("WAR on corrupted pictures, mean", report.corrupted_war,
                    report.corrupted_war_interval);
  out += big_figure("loss", report.drop, report.drop_interval) + "</div>\n";
  out += fmt::format(
      "<p>{} samples, {} corrupted runs. Intervals: bootstrap over samples; for mean and loss the "
      "same samples in every run.</p>\n<h2>By corruption</h2>\n<div class=charts "
      "style=\"grid-template-columns:repeat(auto-fill,minmax(232px,1fr))\">\n",
      report.runs.front().report.samples, report.runs.size() - 1);
  for (const Series& series : all) out += chart(series);
  return out + "</div>\n<h2>Table</h2>\n" + table(all) + page_foot(notice);
}

}  // namespace mien::report
