#include "data/csv.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/utf8.h"

namespace mien::data {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view subject, const Limits& limits)
      : text_(text), subject_(subject), limits_(limits) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  bool done() const { return at_ >= text_.size(); }

  Result<CsvRow> row() {
    CsvRow out{.line = line_};
    for (;;) {
      MIEN_ASSIGN_OR_RETURN(std::string cell, this->cell());
      out.cells.push_back(std::move(cell));
      if (done() || text_[at_] != ',') break;
      ++at_;
    }
    if (!done() && text_[at_] == '\r') ++at_;
    if (!done() && text_[at_] == '\n') ++at_;
    ++line_;
    return out;
  }

 private:
  Status problem(std::string_view what) const {
    return corrupt(fmt::format("{}:{}: {}", subject_, line_, what));
  }

  Result<std::string> cell() {
    std::string out;
    if (!done() && text_[at_] == '"') {
      MIEN_RETURN_IF_ERROR(quoted(out));
    } else {
      const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
      out = text_.substr(at_, end - at_);
      at_ = end;
    }
    if (out.size() > limits_.max_text_bytes) {
      return resource_limit(fmt::format("{}:{}: cell of {} bytes (expected at most {})", subject_,
                                        line_, out.size(), limits_.max_text_bytes));
    }
    return out;
  }

  Status quoted(std::string& out) {
    for (++at_; !done(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        if (!done() && text_[at_] == '"') {
          out += '"';
          continue;
        }
        if (!done() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
          return problem("text after a closing quote (expected a comma)");
        }
        return {};
      }
      if (c == '\n') ++line_;
      out += c;
    }
    return problem("a quote is not closed");
  }

  std::string_view text_;
  std::string_view subject_;
  const Limits& limits_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

Status check_header(const CsvRow& header, std::string_view subject) {
  std::vector<std::string> names = header.cells;
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    return corrupt(fmt::format("{}:{}: duplicate column '{}'", subject, header.line, *twice));
  }
  if (names.front().empty()) {
    return corrupt(fmt::format("{}:{}: a column has no name", subject, header.line));
  }
  return {};
}

void append_line(const std::vector<std::string>& cells, std::string& out) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      out += cells[i];
      continue;
    }
    out += '"';
    for (const char c : cells[i]) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
}

}  // namespace

Result<CsvTable> parse_csv(std::string_view text, std::string_view subject, const Limits& limits) {
  MIEN_RETURN_IF_ERROR(check_is_utf8_text(text, subject));
  Reader reader(text, subject, limits);
  CsvTable out;
  while (!reader.done()) {
    MIEN_ASSIGN_OR_RETURN(CsvRow row, reader.row());
    if (row.cells.size() == 1 && row.cells.front().empty()) continue;
    if (out.columns.empty()) {
      MIEN_RETURN_IF_ERROR(check_header(row, subject));
      out.columns = std::move(row.cells);
      continue;
    }
    if (row.cells.size() != out.columns.size()) {
      return corrupt(fmt::format("{}:{}: has {} cells (expected {}, one per column)", subject,
                                 row.line, row.cells.size(), out.columns.size()));
    }
    if (out.rows.size() >= limits.max_frames) {
      return resource_limit(fmt::format("{}: has more than {} rows", subject, limits.max_frames));
    }
    out.rows.push_back(std::move(row));
  }
  if (out.columns.empty()) {
    return corrupt(fmt::format("{}: is empty (expected a header line)", subject));
  }
  return out;
}

std::string csv_text(const CsvTable& table) {
  std::string out;
  append_line(table.columns, out);
  for (const CsvRow& row : table.rows) append_line(row.cells, out);
  return out;
}

}  // namespace mien::data
