#include "report/page.h"

#include <fmt/format.h>

namespace mien::report {
namespace {

constexpr std::string_view kEvaluationStyle = R"(
.big{display:flex;gap:1rem 2.5rem;flex-wrap:wrap;margin:.5rem 0 .9rem}.big b{font-size:2rem;line-height:1.2;display:block}
figure{margin:0}figcaption{font-weight:600;margin:.4rem 0}
table.matrix{font-size:.78rem;line-height:1.25;table-layout:fixed;border-collapse:separate;border-spacing:1px}
table.matrix th{border:0;padding:0 .4rem 0 0;text-align:right;width:6.6rem;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:middle;font-weight:400}
table.matrix th.c{writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;width:3rem;height:6.6rem;padding:.3rem 0 0}
table.matrix td{border:0;width:3rem;height:2.5rem;padding:0;text-align:center;vertical-align:middle;background:rgb(31 111 235/calc(var(--a)*.72 + .03))}
table.matrix td.right{outline:1px solid var(--dim);outline-offset:-1px}
table.matrix td small{display:block;font-size:.92em}
table.classes td,table.classes th{padding-right:1.1rem;overflow-wrap:normal}
table.answers td+td{overflow-wrap:break-word}
td.n small{display:block;color:var(--dim);font-size:.82em;line-height:1.3}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:1rem .8rem}
.charts figure{margin:0}.charts figcaption{font-size:.85rem;overflow-wrap:anywhere;font-weight:400;margin:0}
.shots{display:grid;grid-template-columns:repeat(auto-fill,minmax(140px,1fr));gap:1rem .8rem}
.shots figure{font-size:.85rem;line-height:1.35}.shots figcaption{overflow-wrap:anywhere;font-weight:400;margin:0}
.pair{display:flex;flex-wrap:wrap;gap:1rem 2rem;margin-top:1rem}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.4rem;font-size:.87rem;margin:.5rem 0}.legend span{display:flex;align-items:center;gap:.45rem}
@media (max-width:620px){table.matrix.small{width:100%}table.matrix.small th{width:24%}table.matrix.small th.c,table.matrix.small td{width:auto}table.matrix.small td{height:2rem}table.matrix.small td small{display:none}table.classes td,table.classes th{padding-right:.55rem;font-size:.85rem}table.classes th.n,table.classes td.n small{white-space:normal}}
)";

}  // namespace

std::string facts_head(const Facts& facts) {
  std::string out =
      page_head("Evaluation", kEvaluationStyle) + "<h1>Evaluation</h1>\n<table class=facts>";
  for (const auto& [name, value] : facts) {
    const bool code = name == "command";
    out += fmt::format("<tr><th>{}</th><td>{}{}{}</td></tr>\n", escape_markup(name),
                       code ? "<code>" : "", escape_markup(value), code ? "</code>" : "");
  }
  return out + "</table>\n";
}

std::string big_figure(std::string_view name, double percent, const metrics::Interval& interval) {
  return fmt::format("<div>{}<b>{:.2f} %</b><span class=dim>95 %: {:.2f} to {:.2f}</span></div>\n",
                     name, percent, interval.low, interval.high);
}

std::string interval_cell(double value, const metrics::Interval& interval) {
  return fmt::format("<td class=n>{:.2f}<small>{:.2f} to {:.2f}</small></td>", value, interval.low,
                     interval.high);
}

std::string confusion_table(const std::vector<std::string>& classes,
                            const metrics::ConfusionMatrix& counts) {
  const std::size_t n = classes.size();
  std::string out = fmt::format("<div class=scroll><table class=\"matrix{}\"><tr><th></th>",
                                n <= 12 ? " small" : "");
  for (const std::string& name : classes) {
    out += fmt::format("<th class=c title=\"{0}\">{0}</th>", escape_markup(name));
  }
  out += "</tr>\n";
  for (std::size_t t = 0; t < n; ++t) {
    const std::string truth = escape_markup(classes[t]);
    out += fmt::format("<tr><th title=\"{0}\">{0}</th>", truth);
    const std::int64_t all = counts.row_sum(t);
    for (std::size_t p = 0; p < n; ++p) {
      const std::int64_t count = counts.at(t, p);
      const double share = all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0;
      out += fmt::format("<td{} style=\"--a:{:.3f}\" title=\"{}, answer {}: {} of {}\">",
                         t == p ? " class=right" : "", share, truth, escape_markup(classes[p]),
                         count, all);
      out += all == 0 ? std::string() : fmt::format("{:.0f}<small>{}</small>", 100 * share, count);
      out += "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</table></div>\n";
}

}  // namespace mien::report
