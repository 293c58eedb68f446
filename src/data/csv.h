#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/limits.h"
#include "mien/core/status.h"

namespace mien::data {

struct CsvRow {
  std::int64_t line = 0;  ///< line in the file where the row starts, from 1
  std::vector<std::string> cells = {};
};

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;
};

/// Reads comma-separated values with a header line: quoted cells ("" for a quote, line ends
/// inside), LF or CRLF, a byte order mark, empty lines skipped.
/// Errors: kCorrupt naming "subject:line" (a row of another width, an open quote, a repeated or
/// empty column name, no header); kResourceLimit for a cell above limits.max_text_bytes or more
/// rows than limits.max_frames.
/// Source: RFC 4180.
Result<CsvTable> parse_csv(std::string_view text, std::string_view subject,
                           const Limits& limits = {});

/// The table as text that parse_csv reads back; lines end with LF, cells are quoted where needed.
std::string csv_text(const CsvTable& table);

}  // namespace mien::data
