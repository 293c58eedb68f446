#include <fmt/format.h>

#include "report/page.h"
#include "report/protocol_pages.h"
#include "report/text.h"

namespace mien::report {
namespace {

std::string names(const std::vector<std::string>& list) {
  return escape_markup(fmt::format("{}", fmt::join(list, ", ")));
}

std::string score_name(eval::OpenSetScore score) {
  switch (score) {
    case eval::OpenSetScore::kMaxSoftmax: return "largest probability";
    case eval::OpenSetScore::kEnergy: return "energy";
    case eval::OpenSetScore::kMaxCosine: return "largest cosine";
    case eval::OpenSetScore::kOutliers: return "outlier words";
    case eval::OpenSetScore::kMaxLogit: return "largest logit";
  }
  return {};
}

std::string figures_table(const eval::OpenSetResult& result) {
  std::string out =
      "<div class=scroll><table class=classes><tr><th>unknown by</th><th "
      "class=n>AUROC</th><th "
      "class=n>OSCR</th><th class=n>FPR@95</th><th class=n>TNR@95</th></tr>\n";
  for (const auto& [score, f] : result.scores) {
    out += fmt::format("<tr><td>{}</td>{}{}<td class=n>{:.2f}</td><td class=n>{:.2f}</td></tr>\n",
                       score_name(score), interval_cell(f.auroc, f.auroc_interval),
                       interval_cell(f.oscr, f.oscr_interval), f.fpr_at_95, f.code.tnr_at_95);
  }
  return out + "</table></div>\n";
}

std::string curves(const eval::OpenSetResult& result) {
  std::vector<ChartLine> roc, oscr;
  const auto points = [](const std::vector<metrics::RocPoint>& curve) {
    std::vector<std::pair<double, double>> out;
    for (const auto& point : curve) out.emplace_back(point.false_positive, point.true_positive);
    return out;
  };
  for (const auto& [score, both] : result.curves) {
    roc.push_back({score_name(score), points(both.roc)});
    oscr.push_back({score_name(score), points(both.oscr)});
  }
  return "<div class=pair>" + unit_chart("ROC", "unknown accepted", "known accepted", roc, true) +
         unit_chart("OSCR", "unknown accepted", "known accepted and right", oscr, false) +
         "</div>\n" + chart_legend(roc);
}

std::string means_table(const std::vector<eval::OpenSetResult>& results) {
  std::string out =
      "<h2>Means over splits with the same number of known classes</h2>\n<div class=scroll><table "
      "class=classes><tr><th>known, splits</th><th>unknown by</th><th class=n>Acc</th><th "
      "class=n>AUROC</th><th class=n>OSCR</th><th class=n>TNR@95</th></tr>\n";
  const Json means = eval::open_set_means(results);
  for (const Json& group : means.as_array()) {
    std::string first = fmt::format("{}, {}", group.find("known_classes")->as_integer(),
                                    group.find("splits")->as_integer());
    std::string acc = fmt::format("{:.2f}", group.find("acc")->as_number());
    for (const eval::OpenSetScore score : eval::kOpenSetScores) {
      const Json* f = group.find("scores")->find(std::string(eval::to_string(score)));
      if (f == nullptr) continue;
      out += fmt::format(
          "<tr><td>{}</td><td>{}</td><td class=n>{}</td><td class=n>{:.2f}</td><td "
          "class=n>{:.2f}</td><td class=n>{:.2f}</td></tr>\n",
          first, score_name(score), acc, f->find("auroc")->as_number(),
          f->find("oscr")->as_number(), f->find("tnr95")->as_number());
      first.clear();
      acc.clear();
    }
  }
  return out + "</table></div>\n";
}

}  // namespace

std::string open_set_page(const std::vector<eval::OpenSetResult>& results, const Facts& facts,
                          std::string_view notice) {
  std::string out = facts_head(facts);
  if (results.size() > 1) out += means_table(results);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const eval::OpenSetResult& result = results[i];
    out += results.size() > 1 ? fmt::format("<section><h2>Split {}</h2>\n", i + 1)
                              : std::string("<section><h2>Figures</h2>\n");
    out +=
        fmt::format("<p>Known: {} ({} samples). Unknown: {} ({} samples).</p>\n<div class=big>\n",
                    names(result.split.known), result.sizes.known, names(result.split.unknown),
                    result.sizes.unknown);
    out += big_figure("Acc of known", result.acc, result.acc_interval);
    out += big_figure("UAR of known", result.uar.percent, result.uar_interval) + "</div>\n";
    if (!result.uar.absent.empty()) {
      std::vector<std::string> absent;
      for (const std::size_t c : result.uar.absent) absent.push_back(result.split.known[c]);
      out += fmt::format("<p class=dim>absent: {}</p>\n", names(absent));
    }
    out += figures_table(result) + curves(result) + "</section>\n";
  }
  out +=
      "<p class=dim>Percent; intervals: 95 %, bootstrap over known and over unknown "
      "samples.</p>\n";
  return out + page_foot(notice);
}

}  // namespace mien::report
