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

/// A page on an evaluation, up to the table of facts (the command as code); page_foot() ends it.
std::string facts_head(const Facts& facts);

/// A figure in percent, large, with its interval; a row of them goes into <div class=big>.
std::string big_figure(std::string_view name, double percent, const metrics::Interval& interval);

/// A cell of a table: the figure, and its interval below it.
std::string interval_cell(double value, const metrics::Interval& interval);

/// Counts and shares of the truth as a table of coloured cells.
std::string confusion_table(const std::vector<std::string>& classes,
                            const metrics::ConfusionMatrix& counts);

/// A line of a chart. Colour and dashes follow from its place among the lines.
struct ChartLine {
  std::string name;
  std::vector<std::pair<double, double>> points;
};

/// Lines over the unit square as SVG, both axes from 0 to 1.
std::string unit_chart(const std::string& title, std::string_view x_name, std::string_view y_name,
                       const std::vector<ChartLine>& lines, bool diagonal);
/// What the lines of unit_chart() are.
std::string chart_legend(const std::vector<ChartLine>& lines);

}  // namespace mien::report
