#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mien/core/json.h"
#include "mien/data/manifest.h"
#include "mien/eval/closed_set.h"

namespace mien::eval {

/// The figures of one group of samples; classes that the group lacks are named in its report.
struct GroupFigures {
  std::string value;  ///< of the column; empty: samples that have none
  ClosedSetReport report;
};

struct GroupReport {
  std::string column;
  std::vector<GroupFigures> groups;  ///< by value

  /// Largest minus smallest figure over the groups, percent points.
  double war_gap() const;
  double uar_gap() const;
  /// {"column", "war_gap", "uar_gap", "groups": [{"value", "n", "war", ...}]}.
  Json to_json() const;
};

/// The samples of a manifest by the value of a column: "subject", "split", or one that the manifest
/// keeps (Sample::extra). Errors: kInvalidArgument when no sample has the column.
Result<std::map<std::string, std::string>> group_of_samples(const data::Manifest& manifest,
                                                            const std::string& column);

/// Figures per group. `groups`: value by sample id. Errors: those of closed_set_report.
Result<GroupReport> group_report(const std::string& column, const std::vector<std::string>& classes,
                                 const std::vector<Prediction>& predictions,
                                 const std::map<std::string, std::string>& groups,
                                 const ClosedSetOptions& options = {});

}  // namespace mien::eval
