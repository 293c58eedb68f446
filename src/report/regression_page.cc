#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/evaluation.h"
#include "report/page.h"
#include "report/text.h"

namespace mien::report {
namespace {

struct Figure {
  const char* name;
  double metrics::RegressionError::*value;
  metrics::Interval eval::TargetReport::*interval;
};
constexpr std::array<Figure, 4> kFigures = {
    {{"PCC", &metrics::RegressionError::pcc, &eval::TargetReport::pcc},
     {"CCC", &metrics::RegressionError::ccc, &eval::TargetReport::ccc},
     {"MAE", &metrics::RegressionError::mae, &eval::TargetReport::mae},
     {"RMSE", &metrics::RegressionError::rmse, &eval::TargetReport::rmse}}};

constexpr double kScatterSide = 300, kScatterLeft = 58, kScatterTop = 12;

// Both axes have the same range, so that prediction and truth agree on the diagonal.
struct Scale {
  double low;
  double high;
  double x(double value) const {
    return kScatterLeft + kScatterSide * (value - low) / (high - low);
  }
  double y(double value) const {
    return kScatterTop + kScatterSide * (high - value) / (high - low);
  }
};

Scale scale_of(const eval::TargetReport& target, const eval::RegressionRun& run, std::size_t t) {
  Scale out{run.rows.front().truth[t], run.rows.front().truth[t]};
  const auto reach = [&](double value) {
    out.low = std::min(out.low, value);
    out.high = std::max(out.high, value);
  };
  if (target.target.range) {
    reach(target.target.range->first);
    reach(target.target.range->second);
  }
  for (const eval::RegressionRow& row : run.rows) {
    reach(row.truth[t]);
    reach(row.said[t]);
  }
  const double margin = out.high > out.low ? 0.04 * (out.high - out.low) : 0.5;
  return {out.low - margin, out.high + margin};
}

// 1, 2 or 5 times a power of ten, chosen for about five marks.
double value_tick_step(const Scale& scale) {
  const double rough = (scale.high - scale.low) / 5;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double digits = rough / power;
  return power * (digits < 1.5 ? 1 : digits < 3.5 ? 2 : digits < 7.5 ? 5 : 10);
}

std::string axes(const Scale& scale) {
  std::string out;
  const double step = value_tick_step(scale);
  const double first = std::ceil(scale.low / step);
  for (int i = 0; i < 20 && (first + i) * step <= scale.high; ++i) {
    const double value = (first + i) * step + 0.0;
    out += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"var(--line)\"/>"
        "<line x1=\"{3}\" x2=\"{4}\" y1=\"{5:.1f}\" y2=\"{5:.1f}\" stroke=\"var(--line)\"/>"
        "<text x=\"{0:.1f}\" y=\"{6}\" text-anchor=middle>{7:.6g}</text>"
        "<text x=\"{8}\" y=\"{9:.1f}\" text-anchor=end>{7:.6g}</text>",
        scale.x(value), kScatterTop, kScatterTop + kScatterSide, kScatterLeft,
        kScatterLeft + kScatterSide, scale.y(value), kScatterTop + kScatterSide + 18, value,
        kScatterLeft - 6, scale.y(value) + 4);
  }
  return out;
}

std::string scatter_svg(const eval::TargetReport& target, const eval::RegressionRun& run,
                        std::size_t t) {
  const Scale scale = scale_of(target, run, t);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 {0} {1}\" width=\"{0}\" role=img aria-label=\"predictions against "
      "truth\">",
      kScatterLeft + kScatterSide + 14, kScatterTop + kScatterSide + 46);
  out += axes(scale);
  out += fmt::format(
      "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=none "
      "stroke=\"var(--dim)\"/><line x1=\"{0}\" y1=\"{3}\" x2=\"{4}\" y2=\"{1}\" "
      "stroke=\"var(--dim)\" stroke-dasharray=\"4 4\"/>",
      kScatterLeft, kScatterTop, kScatterSide, kScatterTop + kScatterSide,
      kScatterLeft + kScatterSide);
  const double opacity = run.rows.size() > 400 ? 0.25 : 0.6;
  for (const eval::RegressionRow& row : run.rows) {
    out += fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"var(--mark)\" "
        "fill-opacity=\"{}\"><title>{}</title></circle>",
        scale.x(row.truth[t]), scale.y(row.said[t]), opacity, escape_markup(row.id));
  }
  out += fmt::format(
      "<text x=\"{}\" y=\"{}\" text-anchor=middle>truth</text>"
      "<text transform=\"translate(14 {}) rotate(-90)\" text-anchor=middle>prediction</text>",
      kScatterLeft + kScatterSide / 2, kScatterTop + kScatterSide + 38,
      kScatterTop + kScatterSide / 2);
  return out + "</svg>";
}

std::string drawn_text(const eval::RegressionReport& report) {
  return fmt::format("{} {}", report.resampled, report.by_subject ? "subjects" : "samples");
}

std::string range_text(const engine::RegressionTarget& target) {
  return target.range ? fmt::format("{:g} to {:g}", target.range->first, target.range->second)
                      : std::string("not given");
}

}  // namespace

std::string regression_table(const eval::RegressionReport& report, bool unicode) {
  std::string out =
      fmt::format("{} samples\n\n  {}", report.rows, fit("target", 24, Align::kLeft, unicode));
  for (const Figure& figure : kFigures) out += fmt::format("  {:<26}", figure.name);
  out += "\n";
  for (const eval::TargetReport& item : report.targets) {
    out += "  " + fit(item.target.name, 24, Align::kLeft, unicode);
    for (const Figure& figure : kFigures) {
      const metrics::Interval& interval = item.*figure.interval;
      out +=
          fmt::format("  {:<26}", fmt::format("{:.3f} ({:.3f} to {:.3f})", item.error.*figure.value,
                                              interval.low, interval.high));
    }
    out += "\n";
  }
  out += "  " + fit("mean", 24, Align::kLeft, unicode);
  for (const Figure& figure : kFigures) {
    out += fmt::format("  {:<26}", fmt::format("{:.3f}", report.mean.*figure.value));
  }
  return out + fmt::format("\n\n  in brackets: 95 %, bootstrap over {}\n", drawn_text(report));
}

std::string regression_html(const eval::RegressionReport& report, const eval::RegressionRun& run,
                            const Facts& facts, std::string_view notice) {
  std::string out = facts_head(facts);
  out += fmt::format(
      "<h2>Figures</h2><p>{} samples. Below the figures: 95 %, bootstrap over {}.</p>"
      "<div class=scroll><table class=classes><tr><th>target</th><th>scale</th>",
      report.rows, drawn_text(report));
  for (const Figure& figure : kFigures) out += fmt::format("<th class=n>{}</th>", figure.name);
  out += "</tr>";
  for (const eval::TargetReport& item : report.targets) {
    out += fmt::format("<tr><td>{}</td><td>{}</td>", escape_markup(item.target.name),
                       range_text(item.target));
    for (const Figure& figure : kFigures) {
      const metrics::Interval& interval = item.*figure.interval;
      out += fmt::format("<td class=n>{:.3f}<small>{:.3f} to {:.3f}</small></td>",
                         item.error.*figure.value, interval.low, interval.high);
    }
    out += "</tr>";
  }
  out += "<tr><td>mean</td><td></td>";
  for (const Figure& figure : kFigures) {
    out += fmt::format("<td class=n>{:.3f}</td>", report.mean.*figure.value);
  }
  out +=
      "</tr></table></div><h2>Predictions against truth</h2><p class=dim>One point per sample; on "
      "the dashed line they agree.</p><div class=big>";
  for (std::size_t t = 0; t < report.targets.size(); ++t) {
    out += fmt::format("<figure><figcaption>{}</figcaption>{}</figure>",
                       escape_markup(report.targets[t].target.name),
                       scatter_svg(report.targets[t], run, t));
  }
  return out + "</div>" + page_foot(notice);
}

}  // namespace mien::report
