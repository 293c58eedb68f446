#include "report/protocol_pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/page.h"
#include "report/text.h"

namespace mien::report {
namespace {

std::string joined(const std::vector<std::string>& names) {
  return escape_markup(fmt::format("{}", fmt::join(names, ", ")));
}

std::string absent_note(const std::vector<std::string>& absent) {
  if (absent.empty()) return {};
  return fmt::format("<br><span class=dim>absent: {}</span>", joined(absent));
}

std::vector<std::string> absent_classes(const eval::ClosedSetReport& report) {
  std::vector<std::string> out;
  for (const std::size_t c : report.uar.absent) out.push_back(report.classes[c]);
  return out;
}

// Empty if the folds have different classes.
std::string summed_confusion(const std::vector<eval::ClosedSetReport>& folds) {
  const std::vector<std::string>& classes = folds.front().classes;
  metrics::ConfusionMatrix sum(classes.size());
  for (const eval::ClosedSetReport& fold : folds) {
    if (fold.classes != classes) return {};
    for (std::size_t t = 0; t < classes.size(); ++t) {
      for (std::size_t p = 0; p < classes.size(); ++p) sum.add(t, p, fold.confusion.at(t, p));
    }
  }
  return "<h2>Confusion over all folds</h2>\n<p class=dim>Rows: truth, in percent, and "
         "samples.</p>\n" +
         confusion_table(classes, sum);
}

}  // namespace

std::string folds_page(const eval::FoldsReport& report, const Facts& facts,
                       std::string_view notice) {
  std::string out = facts_head(facts) + "<h2>Means over folds</h2>\n<div class=big>\n";
  out += big_figure("WAR", report.war, report.war_interval);
  out += big_figure("UAR", report.uar, report.uar_interval);
  out +=
      "</div>\n<p>All folds have equal weight. Intervals: bootstrap over samples within each "
      "fold.</p>\n<h2>Folds</h2>\n<div class=scroll><table class=classes><tr><th>fold</th><th "
      "class=n>samples</th><th class=n>WAR</th><th class=n>UAR</th></tr>\n";
  for (std::size_t f = 0; f < report.folds.size(); ++f) {
    const eval::ClosedSetReport& fold = report.folds[f];
    out += fmt::format("<tr><td>{}{}</td><td class=n>{}</td>{}{}</tr>\n", f + 1,
                       absent_note(absent_classes(fold)), fold.samples,
                       interval_cell(fold.war, fold.war_interval),
                       interval_cell(fold.uar.percent, fold.uar_interval));
  }
  out += "</table></div>\n" + summed_confusion(report.folds);
  return out + page_foot(notice);
}

std::string left_out_page(const eval::LeftOutReport& report, const Facts& facts,
                          std::string_view notice) {
  std::string out =
      facts_head(facts) + "<h2>Classes never seen in training</h2>\n<div class=big>\n";
  out += big_figure("WAR", report.war(), report.war_interval);
  out += big_figure("UAR", report.uar(), report.uar_interval);
  if (report.auroc()) {
    out += fmt::format("<div>AUROC of unknown<b>{:.2f} %</b><span class=dim>mean</span></div>\n",
                       *report.auroc());
  }
  const bool outliers = report.outlier_auroc().has_value();
  if (outliers) {
    out += fmt::format("<div>by outlier words<b>{:.2f} %</b><span class=dim>mean</span></div>\n",
                       *report.outlier_auroc());
  }
  out +=
      "</div>\n<p>Recall of each class by the model that never saw it, among all classes. "
      "Intervals: bootstrap over samples.</p>\n<div class=scroll><table "
      "class=classes><tr><th>left out</th><th class=n>samples</th><th class=n>recall</th><th "
      "class=n>AUROC of unknown</th>";
  if (outliers) out += "<th class=n>by outlier words</th>";
  out += "<th class=n>others right</th></tr>\n";
  metrics::ConfusionMatrix said(report.classes.size());
  for (const eval::LeftOutClass& item : report.left_out) {
    out += fmt::format("<tr><td>{}</td><td class=n>{}</td>{}", escape_markup(item.name),
                       item.samples, interval_cell(item.recall(), item.recall_interval));
    out += item.auroc ? interval_cell(*item.auroc, item.auroc_interval)
                      : std::string("<td class=n>–</td>");
    if (outliers) {
      out += item.outlier_auroc ? interval_cell(*item.outlier_auroc, item.outlier_interval)
                                : std::string("<td class=n>–</td>");
    }
    out += item.known_samples > 0 ? fmt::format("<td class=n>{:.2f}</td></tr>\n",
                                                100 * static_cast<double>(item.known_correct) /
                                                    static_cast<double>(item.known_samples))
                                  : std::string("<td class=n>–</td></tr>\n");
    const auto found = std::find(report.classes.begin(), report.classes.end(), item.name);
    for (std::size_t p = 0; p < item.said.size(); ++p) {
      said.add(static_cast<std::size_t>(found - report.classes.begin()), p, item.said[p]);
    }
  }
  out += "</table></div>\n";
  if (!report.missing.empty()) {
    out += fmt::format("<p class=warn>Classes that no bundle left out: {}</p>\n",
                       joined(report.missing));
  }
  out +=
      "<h2>Answers</h2>\n<p class=dim>Rows: the left-out class, in percent, "
      "and samples.</p>\n";
  return out + confusion_table(report.classes, said) + page_foot(notice);
}

std::string groups_html(const eval::GroupReport& report) {
  std::string out = fmt::format(
      "<h2>By {}</h2>\n<p>Largest difference: WAR {:.2f}, UAR {:.2f}.</p>\n<div "
      "class=scroll><table class=classes><tr><th>{}</th><th class=n>samples</th><th "
      "class=n>WAR</th><th class=n>UAR</th></tr>\n",
      escape_markup(report.column), report.war_gap(), report.uar_gap(),
      escape_markup(report.column));
  for (const eval::GroupFigures& group : report.groups) {
    const eval::ClosedSetReport& figures = group.report;
    out += fmt::format("<tr><td>{}{}</td><td class=n>{}</td>{}{}</tr>\n",
                       group.value.empty() ? "(none)" : escape_markup(group.value),
                       absent_note(absent_classes(figures)), figures.samples,
                       interval_cell(figures.war, figures.war_interval),
                       interval_cell(figures.uar.percent, figures.uar_interval));
  }
  return out + "</table></div>\n";
}

}  // namespace mien::report
