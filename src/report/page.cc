#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "mien/report/text.h"

namespace mien::report {
namespace {

constexpr const char* kStyle = R"(
:root{--ink:#1d2430;--dim:#5c6675;--paper:#fff;--line:#d5dae1;--mark:#1f6feb}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#9aa5b5;--paper:#14181f;--line:#39424f;--mark:#6aa5ff}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:900px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;border-bottom:1px solid var(--line)}
td.n{text-align:right;font-variant-numeric:tabular-nums}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:var(--ink)}
.big{display:flex;gap:2.5rem;flex-wrap:wrap}.big b{font-size:2rem;display:block}.dim{color:var(--dim)}
figure{margin:0}figcaption{font-weight:600;margin:.4rem 0}
footer{margin-top:3rem;color:var(--dim);font-size:.85rem;white-space:pre-line}
@media print{body{margin:0}}
)";

}  // namespace

std::string escape(std::string_view text) {
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

std::string page_head(const Facts& facts) {
  std::string out =
      "<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport "
      "content=\"width=device-width,initial-scale=1\"><title>Evaluation</title><style>";
  out += kStyle;
  out += "</style></head><body><h1>Evaluation</h1><table>";
  for (const auto& [name, value] : facts) {
    out += fmt::format("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
  }
  return out + "</table>";
}

std::string page_foot(std::string_view notice) {
  // Its line ends are wanted, and escape() would show them.
  std::string text;
  while (!notice.empty()) {
    const std::size_t end = std::min(notice.find('\n'), notice.size());
    text += escape(notice.substr(0, end));
    if (end < notice.size()) text += '\n';
    notice.remove_prefix(std::min(end + 1, notice.size()));
  }
  return fmt::format("<footer>{}</footer></body></html>\n", text);
}

}  // namespace mien::report
