#include "report/evaluation.h"

#include <fmt/format.h>

#include "report/text.h"

namespace mien::report {
std::string evaluation_table(const eval::ClosedSetReport& report, bool unicode) {
  std::string out = fmt::format(
      "{} samples\n  WAR       {:6.2f} %  (95 %: {:.2f} to {:.2f})\n"
      "  UAR       {:6.2f} %  (95 %: {:.2f} to {:.2f})\n  macro F1  {:6.2f} %\n"
      "  top 2     {:6.2f} %\n  ECE       {:6.2f} %\n\n",
      report.samples, report.war, report.war_interval.low, report.war_interval.high,
      report.uar.percent, report.uar_interval.low, report.uar_interval.high,
      report.macro_f1.percent, report.top2, report.calibration.ece_percent);
  out += "  " + fit("truth \\ answer", 14, Align::kLeft, unicode) + "  recall";
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

}  // namespace mien::report
