#include "report/evaluation_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "mien/metrics/roc.h"
#include "report/names.h"
#include "report/page.h"

namespace mien::report {
namespace {

constexpr std::size_t kMaxRoc = 60;  // maximum number of curves

std::string reliability(const metrics::Calibration& calibration) {
  constexpr double kSide = 250, kLeft = 44, kTop = 8;
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 310 306\" width=310 height=306 role=img aria-label=\"reliability\">"
      "<rect x=\"{0}\" y=\"{1}\" width=\"{2}\" height=\"{2}\" fill=none stroke=\"var(--line)\"/>"
      "<line x1=\"{0}\" y1=\"{3}\" x2=\"{4}\" y2=\"{1}\" stroke=\"var(--dim)\" "
      "stroke-dasharray=\"4 4\"/>",
      kLeft, kTop, kSide, kTop + kSide, kLeft + kSide);
  std::int64_t most = 1;
  for (const auto& bin : calibration.bins) most = std::max(most, bin.count);
  const auto bins = static_cast<double>(std::max<std::size_t>(1, calibration.bins.size()));
  std::string line;
  for (std::size_t i = 0; i < calibration.bins.size(); ++i) {
    const metrics::ReliabilityBin& bin = calibration.bins[i];
    if (bin.count == 0) continue;
    const double height = 50.0 * static_cast<double>(bin.count) / static_cast<double>(most);
    out += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"var(--dim)\" "
        "fill-opacity=\".25\"><title>{} samples</title></rect>",
        kLeft + kSide * static_cast<double>(i) / bins, kTop + kSide - height, kSide / bins - 1,
        height, bin.count);
    const double x = kLeft + kSide * bin.confidence, y = kTop + kSide * (1 - bin.accuracy);
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"var(--mark)\"/>", x, y);
  }
  out += fmt::format("<polyline points=\"{}\" fill=none stroke=\"var(--mark)\"/>", line);
  for (const double at : {0.0, 0.5, 1.0}) {
    out += fmt::format("<text class=dim x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>{}</text>",
                       kLeft + kSide * at, kTop + kSide + 16, at);
    out += fmt::format("<text class=dim x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=end>{}</text>",
                       kLeft - 6, kTop + kSide * (1 - at) + 4, at);
  }
  return out + fmt::format(
                   "<text x=\"{:.0f}\" y=\"{:.0f}\" text-anchor=middle>probability of the "
                   "answer</text><text transform=\"translate(14 {:.0f}) rotate(-90)\" "
                   "text-anchor=middle>share of right answers</text></svg>\n",
                   kLeft + kSide / 2, kTop + kSide + 36, kTop + kSide / 2);
}

// One class against the rest; none if it is absent or the only class.
std::optional<std::vector<metrics::RocPoint>> curve_of(
    std::span<const eval::Prediction> predictions, std::size_t c) {
  std::vector<double> scores;
  std::vector<char> positive;
  for (const eval::Prediction& row : predictions) {
    scores.push_back(row.probabilities[c]);
    positive.push_back(row.truth == c ? 1 : 0);
  }
  auto curve = metrics::roc_curve(scores, positive);
  if (!curve.ok()) return std::nullopt;
  return std::move(*curve);
}

std::string roc_chart(const std::string& name, const std::vector<metrics::RocPoint>& curve) {
  constexpr double kSide = 150;
  std::string line;
  double last_x = -1, last_y = -1;
  for (const metrics::RocPoint& point : curve) {
    const double x = 2 + kSide * point.false_positive, y = 2 + kSide * (1 - point.true_positive);
    const bool end = &point == &curve.back();
    if (!end && std::abs(x - last_x) < 0.3 && std::abs(y - last_y) < 0.3) continue;
    line += fmt::format("{:.1f},{:.1f} ", x, y);
    last_x = x;
    last_y = y;
  }
  return fmt::format(
      "<figure><svg viewBox=\"0 0 154 154\" width=154 height=154 role=img aria-label=\"ROC of "
      "{0}\"><rect x=2 y=2 width=150 height=150 fill=none stroke=\"var(--line)\"/><line x1=2 "
      "y1=152 x2=152 y2=2 stroke=\"var(--dim)\" stroke-dasharray=\"4 4\"/><polyline "
      "points=\"{1}\" fill=none stroke=\"var(--mark)\" stroke-width=2 /></svg>"
      "<figcaption>{0}<br><span class=dim>AUROC {2:.2f} %</span></figcaption></figure>\n",
      escape_markup(name), line, metrics::area_under(curve));
}

std::string percent_cell(std::optional<double> value) {
  return value ? fmt::format("<td class=n>{:.2f}</td>", *value) : std::string("<td class=n>–</td>");
}

std::string class_table(const eval::ClosedSetReport& report,
                        const std::vector<std::optional<double>>& areas) {
  std::string out =
      "<div class=scroll><table class=classes><tr><th>class</th><th class=n>samples</th><th "
      "class=n>recall</th><th class=n>precision</th><th class=n>F1</th><th "
      "class=n>AUROC</th></tr>\n";
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    const std::int64_t said = report.confusion.column_sum(c);
    const bool absent = !report.uar.per_class[c].has_value();
    out +=
        fmt::format("<tr><td>{}{}</td><td class=n>{}</td>", escape_markup(report.classes[c]),
                    absent ? " <span class=dim>(absent)</span>" : "", report.confusion.row_sum(c));
    out += percent_cell(report.uar.per_class[c]);
    out += percent_cell(
        said > 0 ? std::optional<double>(100 * static_cast<double>(report.confusion.at(c, c)) /
                                         static_cast<double>(said))
                 : std::nullopt);
    out += percent_cell(report.macro_f1.per_class[c]) + percent_cell(areas[c]) + "</tr>\n";
  }
  return out + "</table></div>\n";
}

std::string mistakes(const std::vector<Mistake>& list) {
  const bool images =
      std::any_of(list.begin(), list.end(), [](const Mistake& m) { return !m.image.empty(); });
  std::string out =
      images ? "<div class=shots>\n"
             : "<div class=scroll><table class=answers><tr><th>sample</th><th>truth</th><th>answer"
               "</th><th class=n>probability</th></tr>\n";
  for (const Mistake& m : list) {
    const std::string sure = escape_markup(percent(m.probability));
    if (!images) {
      out += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td class=n>{}</td></tr>\n",
                         escape_markup(m.id), escape_markup(m.truth), escape_markup(m.said), sure);
      continue;
    }
    out += "<figure>";
    if (!m.image.empty()) out += fmt::format("<img alt=\"\" src=\"{}\">", m.image);
    out += fmt::format(
        "<figcaption>{}, answer <b>{}</b> {}<br><span class=dim>{}</span></figcaption></figure>\n",
        isolated(m.truth), isolated(m.said), sure, escape_markup(m.id));
  }
  return out + (images ? "</div>\n" : "</table></div>\n");
}

}  // namespace

std::string evaluation_page(const EvaluationPage& page) {
  const eval::ClosedSetReport& report = *page.report;
  std::string out = facts_head(page.facts) + "<h2>Figures</h2>\n<div class=big>\n";
  out += big_figure("WAR", report.war, report.war_interval);
  out += big_figure("UAR", report.uar.percent, report.uar_interval) + "</div>\n";
  out += fmt::format(
      "<p>{} samples. Macro F1 {:.2f} %, top 2 {:.2f} %, expected calibration error {:.2f} %. "
      "Intervals: bootstrap over samples.</p>\n",
      report.samples, report.macro_f1.percent, report.top2, report.calibration.ece_percent);
  std::vector<std::optional<double>> areas(report.classes.size());
  std::string charts;
  for (std::size_t c = 0; c < report.classes.size(); ++c) {
    const auto curve = curve_of(page.predictions, c);
    if (!curve) continue;
    areas[c] = metrics::area_under(*curve);
    if (c < kMaxRoc) charts += roc_chart(report.classes[c], *curve);
  }
  out += "<h2>Per class</h2>\n";
  out += class_table(report, areas);
  out +=
      "<h2>Confusion matrix</h2>\n<p class=dim>Rows: truth. Columns: answers. Percent of the "
      "row, and count.</p>\n";
  out += confusion_table(report.classes, report.confusion) + "<h2>Reliability</h2>\n" +
         reliability(report.calibration);
  if (!charts.empty()) {
    out +=
        "<h2>ROC, one class against the rest</h2>\n<p class=dim>Across: share of the other classes "
        "that is accepted. Up: share of the class that is found.</p>\n<div class=charts>\n" +
        charts + "</div>\n";
  }
  if (!page.mistakes.empty()) {
    out += "<h2>Most confident mistakes</h2>\n";
    out += mistakes(page.mistakes);
  }
  return out + page.more + page_foot(page.notice);
}

std::vector<std::size_t> surest_mistakes(std::span<const eval::Prediction> predictions,
                                         std::size_t count) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    if (predictions[i].top() != predictions[i].truth) out.push_back(i);
  }
  const auto sure = [&](std::size_t i) {
    return predictions[i].probabilities[predictions[i].top()];
  };
  std::stable_sort(out.begin(), out.end(), [&](auto a, auto b) { return sure(a) > sure(b); });
  if (out.size() > count) out.resize(count);
  return out;
}

Result<std::string> page_image(image::ImageView picture) { return thumbnail(picture, 160); }

}  // namespace mien::report
