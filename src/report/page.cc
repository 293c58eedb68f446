#include "report/page.h"

#include <fmt/format.h>

namespace mien::report {
namespace {

constexpr std::string_view kStyle = R"(
.big{display:flex;gap:1rem 2.5rem;flex-wrap:wrap}.big b{font-size:2rem;line-height:1.2;display:block}
figure{margin:0}figcaption{font-weight:600;margin:.4rem 0}
)";

}  // namespace

std::string facts_head(const Facts& facts) {
  std::string out = page_head("Evaluation", kStyle) + "<h1>Evaluation</h1>\n<table class=facts>";
  for (const auto& [name, value] : facts) {
    out +=
        fmt::format("<tr><th>{}</th><td>{}</td></tr>\n", escape_markup(name), escape_markup(value));
  }
  return out + "</table>\n";
}

}  // namespace mien::report
