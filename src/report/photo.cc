#include "report/photo.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "report/html.h"
#include "report/layout.h"
#include "report/names.h"

namespace mien::report {
namespace {

constexpr int kPictureSide = 640;
constexpr int kCrowdSide = 1080;  // pixels: faces of a crowd are small
constexpr std::size_t kCrowd = 6;

// The box in percent of the picture.
std::string box_style(const Rect& box, const pipeline::FrameResult& picture) {
  return fmt::format("left:{:.2f}%;top:{:.2f}%;width:{:.2f}%;height:{:.2f}%",
                     100 * box.x / picture.width, 100 * box.y / picture.height,
                     100 * box.w / picture.width, 100 * box.h / picture.height);
}

}  // namespace

std::string_view photo_style() {
  return R"(
.picture{display:flex;flex-wrap:wrap;gap:1rem}
.photo{position:relative;flex:1 1 280px;max-width:min(100%,460px);align-self:flex-start;background:var(--card);line-height:0}
.photo.crowd{flex-basis:100%;max-width:100%}
.photo>img{width:100%}
.photo>i{position:absolute;border:2px solid;border-radius:4px;box-shadow:0 0 0 1px rgb(0 0 0/.55)}
.photo>i>b{position:absolute;left:-2px;bottom:100%;padding:0 .28rem;font:600 .75rem/1.05rem system-ui,"DejaVu Sans",sans-serif;color:#101218;border-radius:3px}
.photo>i.low>b{bottom:auto;top:-2px}
.photo.crowd>i>b{font-size:.66rem;line-height:.85rem;padding:0 .18rem}
.faces{flex:1 1 300px;min-width:0}
.picture.many .faces{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:.2rem 1.4rem;flex-basis:100%}
.faces article{overflow:hidden}.faces article>img{float:left;width:72px;margin:.2rem .7rem .3rem 0;border-radius:3px}.faces article>.bars{overflow:hidden}
.tag{display:inline-block;min-width:1.35rem;padding:0 .3rem;margin-right:.4rem;border-radius:3px;color:#101218;text-align:center}
.bar{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr) 3.2rem;gap:0 .6rem;align-items:center;font-size:.9rem}
.bar>span:first-child{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}.bar>span:last-child{text-align:right;font-variant-numeric:tabular-nums}
.bar>div{background:var(--card);height:.8rem}.bar>div>b{display:block;height:100%}
.swatch{white-space:nowrap;margin-right:.9rem}.swatch>i{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.35rem;vertical-align:-.04rem}
)";
}

std::string css(const Colour& c) { return fmt::format("#{:02x}{:02x}{:02x}", c.r, c.g, c.b); }

PeopleColours face_colours(const pipeline::FrameResult& picture) {
  std::vector<std::int64_t> numbers;
  std::vector<Rect> boxes;
  for (std::size_t i = 0; i < picture.faces.size(); ++i) {
    const auto box = visible_box(picture.faces[i].face.box, 1, picture.width, picture.height);
    if (!box) continue;
    numbers.push_back(static_cast<std::int64_t>(i));
    boxes.push_back(*box);
  }
  PeopleColours out;
  out.see(numbers, boxes);
  return out;
}

Result<std::string> photo(const pipeline::FrameResult& picture, const image::Image* image,
                          const PeopleColours& colours) {
  const bool crowd = picture.faces.size() > kCrowd;
  std::string boxes;
  for (std::size_t i = 0; i < picture.faces.size(); ++i) {
    const face::Face& face = picture.faces[i].face;
    const auto box = visible_box(face.box, 1, picture.width, picture.height);
    if (!box || face.source == face::FaceSource::kWhole) continue;
    const std::string colour = css(colours.of(static_cast<std::int64_t>(i)));
    // A number above the edge of the picture would be cut off.
    boxes += fmt::format("<i{} style=\"{};border-color:{}\"><b style=\"background:{}\">{}</b></i>",
                         box->y < 0.06 * picture.height ? " class=low" : "",
                         box_style(*box, picture), colour, colour, i + 1);
  }
  if (image == nullptr && boxes.empty()) return std::string();
  std::string out = fmt::format(
      "<div class=\"photo{}\"{}>", crowd ? " crowd" : "",
      image != nullptr ? ""
                       : fmt::format(" style=\"aspect-ratio:{}/{}\"", std::max(picture.width, 1),
                                     std::max(picture.height, 1)));
  if (image != nullptr) {
    MIEN_ASSIGN_OR_RETURN(const std::string data,
                          thumbnail(*image, crowd ? kCrowdSide : kPictureSide));
    out += fmt::format("<img alt=\"\" src=\"{}\">", data);
  }
  return out + boxes + "</div>";
}

std::string label_bar(std::string_view name, double share, std::string_view told,
                      const Colour& colour) {
  return fmt::format(
      "<div class=bar><span title=\"{0}\">{0}</span><div><b "
      "style=\"width:{1:.1f}%;background:{3}\">"
      "</b></div><span>{2}</span></div>\n",
      escape_markup(name), 100 * std::clamp(share, 0.0, 1.0), escape_markup(told), css(colour));
}

std::string label_bars(const std::vector<engine::LabelScore>& labels, int top,
                       const LabelColours& colours) {
  std::string out = "<div class=bars>";
  for (std::size_t i = 0; i < labels.size() && i < static_cast<std::size_t>(top); ++i) {
    const auto p = static_cast<double>(labels[i].probability);
    out += label_bar(labels[i].label, std::isfinite(p) ? p : 0, percent(p),
                     colours.of(labels[i].label));
  }
  return out + "</div>";
}

std::string swatch(std::string_view name, std::string_view told, const Colour& colour) {
  return fmt::format("<span class=swatch><i style=\"background:{}\"></i>{}{}{}</span>", css(colour),
                     isolated(name), told.empty() ? "" : " ", escape_markup(told));
}

}  // namespace mien::report
