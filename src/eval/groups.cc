#include "eval/groups.h"

#include <fmt/format.h>

#include <algorithm>

namespace mien::eval {
namespace {

template <class Figure>
double gap(const std::vector<GroupFigures>& groups, Figure figure) {
  if (groups.empty()) return 0;
  const auto less = [&](const GroupFigures& a, const GroupFigures& b) {
    return figure(a.report) < figure(b.report);
  };
  const auto [low, high] = std::minmax_element(groups.begin(), groups.end(), less);
  return figure(high->report) - figure(low->report);
}

}  // namespace

double GroupReport::war_gap() const {
  return gap(groups, [](const ClosedSetReport& r) { return r.war; });
}

double GroupReport::uar_gap() const {
  return gap(groups, [](const ClosedSetReport& r) { return r.uar.percent; });
}

Json GroupReport::to_json() const {
  Json list = Json::array();
  for (const GroupFigures& group : groups) {
    Json item = Json::object();
    item.set("value", group.value);
    Json figures = group.report.to_json();
    for (const char* key :
         {"n", "war", "war_interval", "uar", "uar_interval", "recall", "absent"}) {
      item.set(key, *figures.find(key));
    }
    list.push_back(std::move(item));
  }
  return Json::Object{{"column", column},
                      {"war_gap", war_gap()},
                      {"uar_gap", uar_gap()},
                      {"groups", std::move(list)}};
}

Result<std::map<std::string, std::string>> group_of_samples(const data::Manifest& manifest,
                                                            const std::string& column) {
  std::map<std::string, std::string> out;
  bool known = false;
  for (const data::Sample& sample : manifest.samples) {
    std::string value;
    if (column == "subject" || column == "split") {
      value = column == "subject" ? sample.subject : sample.split;
      known = known || !value.empty();
    } else if (const auto it = sample.extra.find(column); it != sample.extra.end()) {
      value = it->second;
      known = true;
    }
    out.emplace(sample.id, std::move(value));
  }
  if (known) return out;
  return invalid_argument(
      fmt::format("{}: no sample has a value in column '{}' (expected one to group by)",
                  manifest.name, column));
}

Result<GroupReport> group_report(const std::string& column, const std::vector<std::string>& classes,
                                 const std::vector<Prediction>& predictions,
                                 const std::map<std::string, std::string>& groups,
                                 const ClosedSetOptions& options) {
  std::map<std::string, std::vector<Prediction>> parts;
  for (const Prediction& row : predictions) {
    const auto it = groups.find(row.id);
    parts[it == groups.end() ? std::string() : it->second].push_back(row);
  }
  GroupReport out{.column = column, .groups = {}};
  for (const auto& [value, rows] : parts) {
    MIEN_ASSIGN_OR_RETURN(ClosedSetReport report, closed_set_report(classes, rows, options));
    out.groups.push_back({value, std::move(report)});
  }
  return out;
}

}  // namespace mien::eval
