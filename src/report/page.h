#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/metrics/bootstrap.h"
#include "mien/metrics/confusion.h"
#include "report/evaluation.h"
#include "report/html.h"

namespace mien::report {

/// The beginning of a page on an evaluation, including the table of facts (the command as code);
/// page_foot() ends it.
std::string facts_head(const Facts& facts);

/// A large figure in percent with its interval; a row of them goes into <div class=big>.
std::string big_figure(std::string_view name, double percent, const metrics::Interval& interval);

/// A cell of a table: the figure, and its interval below it.
std::string interval_cell(double value, const metrics::Interval& interval);

/// Counts and shares of the truth as a table of coloured cells.
std::string confusion_table(const std::vector<std::string>& classes,
                            const metrics::ConfusionMatrix& counts);

/// A line of a chart. Its index among the lines decides colour and dashes.
struct ChartLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// Lines over the unit square as SVG, both axes from 0 to 1.
std::string unit_chart(const std::string& title, std::string_view x_name, std::string_view y_name,
                       const std::vector<ChartLine>& lines, bool diagonal);
/// The legend of unit_chart().
std::string chart_legend(const std::vector<ChartLine>& lines);

}  // namespace mien::report
