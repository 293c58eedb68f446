#include "data/manifest_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "core/file.h"
#include "data/captions.h"
#include "data/csv.h"
#include "mien/text/prompts.h"

namespace mien::data {
namespace {

constexpr std::array<std::string_view, 8> kKnownColumns = {"path",  "label", "subject", "sequence",
                                                           "split", "frame", "caption", "group"};

std::optional<double> number(std::string_view text) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return out;
}

std::vector<std::string> split_label(std::string_view label) {
  std::vector<std::string> out;
  while (!label.empty()) {
    const std::size_t end = std::min(label.find('+'), label.size());
    if (end > 0) out.emplace_back(label.substr(0, end));
    label.remove_prefix(std::min(end + 1, label.size()));
  }
  return out;
}

class Columns {
 public:
  explicit Columns(const std::vector<std::string>& names) : names_(names) {}
  std::optional<std::size_t> find(std::string_view name) const {
    const auto it = std::find(names_.begin(), names_.end(), name);
    if (it == names_.end()) return std::nullopt;
    return static_cast<std::size_t>(it - names_.begin());
  }
  std::string get(const CsvRow& row, std::string_view name) const {
    const auto column = find(name);
    return column ? row.cells[*column] : std::string();
  }

 private:
  const std::vector<std::string>& names_;
};

Status require(const Columns& columns, std::string_view name, std::string_view subject,
               const std::vector<std::string>& names) {
  if (columns.find(name)) return {};
  return corrupt(
      fmt::format("{}:1: has no column '{}' (columns: {})", subject, name, fmt::join(names, ", ")));
}

Result<Row> read_row(const CsvRow& cells, const CsvTable& table, const Columns& columns,
                     std::string_view subject, const ManifestOptions& options) {
  Row out{.line = cells.line};
  out.path = columns.get(cells, "path");
  if (out.path.empty()) {
    return corrupt(fmt::format("{}:{}: has no path", subject, cells.line));
  }
  out.label_parts = split_label(columns.get(cells, "label"));
  out.subject = columns.get(cells, "subject");
  out.sequence = columns.get(cells, "sequence");
  out.split = columns.get(cells, "split");
  out.caption = columns.get(cells, "caption");
  if (const std::string frame = columns.get(cells, "frame"); !frame.empty()) {
    const auto value = number(frame);
    if (!value) {
      return corrupt(
          fmt::format("{}:{}: frame '{}' (expected a number)", subject, cells.line, frame));
    }
    out.frame = *value;
  }
  for (const std::string& target : options.targets) {
    // An empty cell was not rated; then the row has no targets.
    if (columns.get(cells, target).empty()) {
      out.targets.clear();
      break;
    }
    const auto value = number(columns.get(cells, target));
    if (!value || !std::isfinite(*value)) {
      return corrupt(fmt::format("{}:{}: target '{}' is '{}' (expected a number)", subject,
                                 cells.line, target, columns.get(cells, target)));
    }
    out.targets.push_back(*value);
  }
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    const std::string& name = table.columns[c];
    const bool known =
        std::find(kKnownColumns.begin(), kKnownColumns.end(), name) != kKnownColumns.end();
    if ((!known || name == "group") && !cells.cells[c].empty()) {
      out.extra.emplace(name, cells.cells[c]);
    }
  }
  return out;
}

}  // namespace

Result<std::vector<Row>> read_rows(std::string_view text, std::string_view subject,
                                   const ManifestOptions& options) {
  MIEN_ASSIGN_OR_RETURN(const CsvTable table, parse_csv(text, subject, options.limits));
  const Columns columns(table.columns);
  MIEN_RETURN_IF_ERROR(require(columns, "path", subject, table.columns));
  if (options.targets.empty()) {
    MIEN_RETURN_IF_ERROR(require(columns, "label", subject, table.columns));
  }
  if (!options.split.empty()) {
    MIEN_RETURN_IF_ERROR(require(columns, "split", subject, table.columns));
  }
  for (const std::string& target : options.targets) {
    MIEN_RETURN_IF_ERROR(require(columns, target, subject, table.columns));
  }
  std::vector<Row> out;
  for (const CsvRow& cells : table.rows) {
    if (!options.split.empty() && columns.get(cells, "split") != options.split) continue;
    MIEN_ASSIGN_OR_RETURN(Row row, read_row(cells, table, columns, subject, options));
    out.push_back(std::move(row));
  }
  return out;
}

Result<CaptionTable> read_captions(const std::filesystem::path& csv, const Limits& limits) {
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;
  const std::string subject = csv.string();
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(csv, kMaxBytes));
  MIEN_ASSIGN_OR_RETURN(const CsvTable table, parse_csv(text, subject, limits));
  const Columns columns(table.columns);
  const auto caption =
      columns.find("caption") ? columns.find("caption") : columns.find("caption_en");
  CaptionTable out{.by_path = columns.find("path").has_value()};
  const auto key = out.by_path ? columns.find("path") : columns.find("sequence");
  if (!caption || !key) {
    return corrupt(fmt::format("{}:1: columns {} (expected 'caption', and 'path' or 'sequence')",
                               subject, fmt::join(table.columns, ", ")));
  }
  for (const CsvRow& row : table.rows) out.captions[row.cells[*key]] = row.cells[*caption];
  return out;
}

Status add_captions(std::vector<Row>& rows, const ManifestOptions& options) {
  MIEN_ASSIGN_OR_RETURN(const CaptionTable table, read_captions(options.captions, options.limits));
  for (Row& row : rows) {
    const auto it = table.captions.find(table.by_path ? row.path : row.sequence);
    if (it != table.captions.end()) row.caption = it->second;
  }
  return {};
}

Result<std::int64_t> add_captions(Manifest& manifest, const std::filesystem::path& csv,
                                  const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const CaptionTable table, read_captions(csv, limits));
  std::int64_t count = 0;
  for (Sample& sample : manifest.samples) {
    const auto it = table.captions.find(sample.id);
    if (it == table.captions.end()) continue;
    sample.caption = it->second;
    ++count;
  }
  return count;
}

std::vector<float> soft_labels(const Row& row, const std::vector<std::string>& classes) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kVotes = {{
      {"fp_neutral", "neutral"},
      {"fp_happiness", "happy"},
      {"fp_surprise", "surprise"},
      {"fp_sadness", "sad"},
      {"fp_anger", "angry"},
      {"fp_disgust", "disgust"},
      {"fp_fear", "fear"},
      {"fp_contempt", "contempt"},
  }};
  std::vector<float> out(classes.size());
  float sum = 0;
  for (const auto& [column, meaning] : kVotes) {
    const auto cell = row.extra.find(std::string(column));
    if (cell == row.extra.end()) continue;
    const auto votes = number(cell->second);
    if (!votes || *votes <= 0) continue;
    for (std::size_t c = 0; c < classes.size(); ++c) {
      if (classes[c] == meaning || text::builtin_label_of(classes[c]) == meaning) {
        out[c] += static_cast<float>(*votes);
        sum += static_cast<float>(*votes);
      }
    }
  }
  if (sum <= 0) return {};
  for (float& value : out) value /= sum;
  return out;
}

}  // namespace mien::data
