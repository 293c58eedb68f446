#include "report/html.h"

#include "mien/report/text.h"

namespace mien::report {

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : printable(text, 2000)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

}  // namespace mien::report
