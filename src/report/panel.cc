#include "report/panel.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/names.h"
#include "report/text.h"

namespace mien::report {
namespace {

constexpr int kMaxLabelColumns = 48;
constexpr Colour kInk{255, 255, 255};
constexpr Colour kPaper{16, 18, 24};
constexpr Colour kTrough{255, 255, 255};
constexpr double kPaperAlpha = 0.74;
constexpr double kMaxPanelFonts = 19;  // widest panel, in font sizes
constexpr double kMinPanelFonts = 9;

Fonts::Style style_of(const PanelContent::Row& row, const Metrics& m) {
  return row.leads ? m.strong() : m.text();
}

// One label: its name, its percentage flush right, its bar below.
void draw_row(Canvas& canvas, const PanelContent::Row& row, const Metrics& m, const Rect& r) {
  const double text_y = r.y + 0.62 * m.font;
  const double percent_width =
      row.percent.empty() ? 0 : canvas.text_width(row.percent, style_of(row, m), r.w);
  const double ink = row.leads ? 1.0 : 0.82;
  const double room = r.w - percent_width - (percent_width > 0 ? 0.5 * m.font : 0);
  canvas.text(row.label, r.x, text_y, style_of(row, m), room, kInk, ink);
  if (!row.percent.empty()) {
    canvas.text(row.percent, r.right() - percent_width, text_y, style_of(row, m), percent_width + 1,
                kInk, ink);
    const double thick = std::max(2.0, std::round(0.2 * m.font));
    const Rect trough{r.x, std::round(r.y + 1.34 * m.font), r.w, thick};
    canvas.fill(trough, thick / 2, kTrough, 0.16);
    const double filled = r.w * row.share;
    if (filled >= 1) {
      canvas.fill({trough.x, trough.y, std::max(filled, thick), thick}, thick / 2, row.colour,
                  row.leads ? 1.0 : 0.8);
    }
  }
}

}  // namespace

Metrics Metrics::of(int width, int height, double scale) {
  const double side = std::sqrt(static_cast<double>(width) * height);
  Metrics m;
  m.font = std::clamp(std::round(0.3 * std::pow(side, 0.6) * 2) / 2, 10.5, 96.0) * scale;
  m.line = std::max(1.5, std::round(m.font * 0.19));
  return m;
}

PanelContent PanelContent::of(const engine::FaceResult& face, const std::string& id,
                              const Colour& colour, const LabelColours& labels, int top_labels) {
  PanelContent content;
  content.id = id;
  content.colour = face.unknown ? kGrey : colour;
  if (face.labels.empty()) return content;
  if (face.unknown) content.rows.push_back({"unknown", "", 0, true});
  const std::size_t count = std::min(face.labels.size(), static_cast<std::size_t>(top_labels));
  for (std::size_t i = 0; i < count; ++i) {
    const engine::LabelScore& s = face.labels[i];
    const double p = std::isfinite(s.probability) ? std::clamp<double>(s.probability, 0, 1) : 0;
    std::string told = percent(s.probability);
    if (i < face.change.size()) told += ' ' + points(static_cast<double>(face.change[i]));
    content.rows.push_back({shorten(s.label, kMaxLabelColumns), told, p, i == 0 && !face.unknown,
                            face.unknown ? kGrey : labels.of(s.label)});
  }
  return content;
}

Rect panel_size(Canvas& canvas, const PanelContent& content, const Metrics& m, double max_width) {
  const double most = std::min(max_width, kMaxPanelFonts * m.font);
  double width = kMinPanelFonts * m.font;
  for (const PanelContent::Row& row : content.rows) {
    const double percent_width = canvas.text_width(row.percent, style_of(row, m), most);
    width = std::max(width, canvas.text_width(row.label, style_of(row, m), most) + percent_width +
                                1.2 * m.font + 2 * m.pad());
  }
  const double rows = static_cast<double>(content.rows.size());
  return {0, 0, std::ceil(std::min(width, most)), rows * m.row() + 2 * m.pad() - 0.25 * m.font};
}

void draw_panel(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area) {
  canvas.clip_to(area);
  canvas.fill(area, 0.45 * m.font, kPaper, kPaperAlpha);
  Rect row{area.x + m.pad(), area.y + m.pad(), area.w - 2 * m.pad(), m.row()};
  for (const PanelContent::Row& r : content.rows) {
    draw_row(canvas, r, m, row);
    row.y += m.row();
  }
  canvas.unclip();
}

namespace {

struct ChipText {
  std::string label;
  std::string percent;
};

ChipText chip_text(const PanelContent& content) {
  if (content.rows.empty()) return {};
  return {content.rows.front().label, content.rows.front().percent};
}

constexpr double kChipHeight = 1.5;  // in font sizes

double id_width(Canvas& canvas, const PanelContent& content, const Metrics& m) {
  if (content.id.empty()) return 0;
  return std::ceil(
      std::max(kChipHeight * m.font * 0.8,
               canvas.text_width(content.id, {m.font * 0.95, true}, 8 * m.font) + 0.6 * m.font));
}

void draw_id_at(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& r) {
  const Fonts::Style style{m.font * 0.95, true};
  const double width = canvas.text_width(content.id, style, r.w);
  canvas.text(content.id, r.x + (r.w - width) / 2, r.y + r.h / 2, style, r.w, kPaper);
}

}  // namespace

Rect chip_size(Canvas& canvas, const PanelContent& content, const Metrics& m, double max_width) {
  const ChipText text = chip_text(content);
  double width = id_width(canvas, content, m) + 0.9 * m.font;
  width += canvas.text_width(text.label, m.strong(), 12 * m.font);
  if (!text.percent.empty()) {
    width += 0.45 * m.font + canvas.text_width(text.percent, m.text(), 4 * m.font);
  }
  return {0, 0, std::ceil(std::min(width, max_width)), std::round(kChipHeight * m.font)};
}

void draw_chip(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area) {
  const ChipText text = chip_text(content);
  const double radius = 0.35 * m.font;
  canvas.fill(area, radius, kPaper, kPaperAlpha + 0.06);
  double x = area.x + 0.45 * m.font;
  const double tag = std::min(id_width(canvas, content, m), area.w);
  if (tag > 0) {
    canvas.fill({area.x, area.y, tag, area.h}, radius, content.colour, 1.0);
    draw_id_at(canvas, content, m, {area.x, area.y, tag, area.h});
    x += tag;
  }
  const double right = area.right() - 0.45 * m.font;
  double percent_width =
      text.percent.empty() ? 0 : canvas.text_width(text.percent, m.text(), 4 * m.font);
  if (right - x - percent_width < 3 * m.font) percent_width = 0;
  const double room = right - x - (percent_width > 0 ? percent_width + 0.45 * m.font : 0);
  canvas.text(text.label, x, area.y + area.h / 2 - 0.05 * m.font, m.strong(), room, kInk);
  if (!content.rows.empty()) {
    const double thick = std::max(1.5, std::round(0.14 * m.font));
    canvas.fill({x, area.bottom() - thick - 1, std::max(right - x, thick), thick}, thick / 2,
                content.rows.front().colour, 1.0);
  }
  if (percent_width > 0) {
    canvas.text(text.percent, right - percent_width, area.y + area.h / 2, m.text(),
                percent_width + 1, kInk, 0.85);
  }
}

Rect number_size(Canvas& canvas, const PanelContent& content, const Metrics& m) {
  return {0, 0, id_width(canvas, content, m), std::round(1.35 * m.font)};
}

void draw_number(Canvas& canvas, const PanelContent& content, const Metrics& m, const Rect& area) {
  canvas.fill(area, 0.4 * m.font, content.colour, 1.0);
  draw_id_at(canvas, content, m, area);
}

void draw_leader(Canvas& canvas, const Rect& box, const Rect& panel, const Metrics& m,
                 const Colour& colour) {
  // From the nearest point of the panel to the nearest point of the box.
  const auto nearest = [](double low, double high, double other_low, double other_high) {
    if (high < other_low) return std::pair{high, other_low};
    if (other_high < low) return std::pair{low, other_high};
    const double middle = (std::max(low, other_low) + std::min(high, other_high)) / 2;
    return std::pair{middle, middle};
  };
  const auto [px, bx] = nearest(panel.x, panel.right(), box.x, box.right());
  const auto [py, by] = nearest(panel.y, panel.bottom(), box.y, box.bottom());
  if (std::hypot(px - bx, py - by) < 0.42 * m.font + 1) return;
  canvas.segment(px, py, bx, by, m.line * 0.8 + 2, kPaper, 0.5);
  canvas.segment(px, py, bx, by, m.line * 0.8, colour, 1.0);
}

void draw_box(Canvas& canvas, const Rect& box, const Metrics& m, const Colour& colour) {
  const double line = std::min(m.line, std::max(1.5, std::min(box.w, box.h) * 0.09));
  const Rect r{box.x + line / 2, box.y + line / 2, box.w - line, box.h - line};
  if (r.w <= 0 || r.h <= 0) {
    canvas.fill(box, 0, colour, 1.0);
    return;
  }
  const double radius = std::min(0.1 * std::min(r.w, r.h), 0.7 * m.font);
  canvas.stroke(r, radius, line + 2, kPaper, 0.5);
  canvas.stroke(r, radius, line, colour, 1.0);
}

void draw_id(Canvas& canvas, const Rect& box, const PanelContent& content, const Metrics& m) {
  const Rect size = number_size(canvas, content, m);
  if (size.w == 0 || size.w > 0.7 * box.w || size.h > 0.7 * box.h) return;
  draw_number(canvas, content, m, {box.x, box.y, size.w, size.h});
}

BottomPanel bottom_panel(const PanelContent& content, const Metrics& m, double width,
                         std::size_t max_lines) {
  BottomPanel out;
  const std::size_t count = content.rows.size();
  const double room = width - 2 * m.pad();
  const auto fitting = static_cast<std::size_t>(std::max(1.0, room / (9 * m.font)));
  const bool one_line = fitting >= count || max_lines <= 1;
  out.columns = one_line ? std::clamp<std::size_t>(count, 1, fitting) : 1;
  out.lines = one_line ? std::min<std::size_t>(count, 1) : std::min(count, max_lines);
  out.height =
      out.lines == 0
          ? 0
          : std::ceil(static_cast<double>(out.lines) * m.row() + 2 * m.pad() - 0.25 * m.font);
  return out;
}

void draw_bottom_panel(Canvas& canvas, const PanelContent& content, const Metrics& m,
                       const BottomPanel& form, const Rect& area, double alpha) {
  canvas.clip_to(area);
  canvas.fill(area, 0, kPaper, alpha);
  const double gap = 1.4 * m.font;
  const double room = area.w - 2 * m.pad();
  const double columns = static_cast<double>(form.columns);
  const double cell = (room - gap * (columns - 1)) / columns;
  const std::size_t shown = std::min(content.rows.size(), form.lines * form.columns);
  for (std::size_t i = 0; i < shown; ++i) {
    const double column = static_cast<double>(i % form.columns);
    const double line = static_cast<double>(i / form.columns);
    draw_row(canvas, content.rows[i], m,
             {area.x + m.pad() + column * (cell + gap), area.y + m.pad() + line * m.row(), cell,
              m.row()});
  }
  canvas.unclip();
}

}  // namespace mien::report
