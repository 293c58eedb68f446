#include "report/html.h"

#include <algorithm>
#include <cmath>

#include "image/resize.h"
#include "mien/image/decode.h"
#include "report/text.h"

namespace mien::report {
namespace {

// The label colours of palette.h are distinct on light and dark backgrounds.
constexpr std::string_view kPageStyle = R"(
:root{--ink:#1b222c;--dim:#566070;--paper:#fff;--card:#f5f7f9;--line:#d5dae1;--mark:#1f6feb;--warn:#a33}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ee;--dim:#a0abba;--paper:#14181f;--card:#1b212a;--line:#39424f;--mark:#6aa5ff;--warn:#ff9a8a}}
@media print{:root{--ink:#000;--dim:#444;--paper:#fff;--card:#fff;--line:#bbb;--mark:#1f6feb;--warn:#a33}}
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{font:15px/1.5 system-ui,"DejaVu Sans",sans-serif;color:var(--ink);background:var(--paper);margin:0}
main{max-width:1080px;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}h2{font-size:1.15rem;margin:2.2rem 0 .5rem;overflow-wrap:anywhere}h3{font-size:1rem;margin:1.2rem 0 .3rem}
p{margin:.4rem 0;overflow-wrap:anywhere}
.dim{color:var(--dim)}.warn{color:var(--warn)}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.2rem .9rem .2rem 0;text-align:left;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{font-weight:600}td.n,th.n{text-align:right;white-space:nowrap;overflow-wrap:normal}
table.facts{width:100%}table.facts th{width:7.5rem;white-space:nowrap;font-weight:400;color:var(--dim)}
code{font:13px/1.45 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
details{margin:.6rem 0}summary{cursor:pointer;color:var(--dim)}
svg{max-width:100%;display:block}svg text{font:12px system-ui,"DejaVu Sans",sans-serif;fill:var(--ink)}svg text.dim{fill:var(--dim)}
img{max-width:100%;height:auto;display:block}
footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--dim);font-size:.87rem}
footer p{margin:.2rem 0}
@media print{main{max-width:none;padding:0}section,article,figure,table,.card{break-inside:avoid}h2,h3,h2+p{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)";

}  // namespace

std::string escape_markup(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string isolated(std::string_view name) { return "<bdi>" + escape_markup(name) + "</bdi>"; }

std::string escape_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (end > 0 && !out.empty()) out += '\n';
    out += escape_markup(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string base64(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t left = std::min<std::size_t>(3, bytes.size() - i);
    unsigned value = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      value = value << 8U | (k < left ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      out += k <= left ? kDigits[value >> (18U - 6U * k) & 63U] : '=';
    }
  }
  return out;
}

Result<std::string> thumbnail(image::ImageView picture, int longest) {
  if (picture.empty()) return invalid_argument("thumbnail: empty picture");
  const double shrink =
      std::min(1.0, static_cast<double>(longest) / std::max(picture.width, picture.height));
  const auto side = [&](int pixels) {
    return std::max(1, static_cast<int>(std::lround(pixels * shrink)));
  };
  const image::Image small = image::resize_u8(picture, side(picture.width), side(picture.height),
                                              image::Filter::kBilinear);
  MIEN_ASSIGN_OR_RETURN(const auto bytes, image::encode_jpeg(small, 82));
  std::string out = "data:image/jpeg;base64,";
  return out += base64(bytes);
}

Result<std::string> face_thumbnail(image::ImageView frame, const image::Box& box, int longest) {
  const float side = 1.3F * std::max(box.w, box.h);
  const image::Box square{box.x + 0.5F * (box.w - side), box.y + 0.5F * (box.h - side), side, side};
  return thumbnail(image::crop(frame, square), longest);
}

std::string_view page_style() { return kPageStyle; }

std::string page_head(std::string_view title, std::string_view style) {
  std::string out =
      "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n<meta name=viewport "
      "content=\"width=device-width,initial-scale=1\">\n<title>";
  out += escape_markup(title);
  out += "</title>\n<style>";
  out += kPageStyle;
  out += style;
  out += "</style>\n</head>\n<body>\n<main>\n";
  return out;
}

std::string page_foot(std::string_view notice) {
  std::string out = "<footer><p>";
  out += escape_lines(notice);
  return out + "</p></footer>\n</main>\n</body>\n</html>\n";
}

}  // namespace mien::report
