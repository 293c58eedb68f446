#include "cli/describe.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/text.h"

namespace mien::cli {

std::string rows_text(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [name, value] : rows) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, value] : rows) {
    out += fmt::format("  {:<{}}  {}\n", name, width, report::printable(value));
  }
  return out;
}

Json string_array(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const std::string& value : values) out.push_back(value);
  return out;
}

}  // namespace mien::cli
