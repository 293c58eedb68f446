#include "report/band.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "report/names.h"
#include "report/palette.h"
#include "report/text.h"

namespace mien::report {
namespace {

constexpr Colour kGround{20, 22, 28};
constexpr Colour kAhead{40, 43, 52};
constexpr Colour kBandInk{236, 238, 242};
constexpr Colour kDark{16, 18, 24};
constexpr std::int64_t kLiveWindowUs = 30'000'000;
constexpr int kLegendColumns = 24;

struct Span {
  std::int64_t from_us = 0;
  std::int64_t to_us = 1;
  std::int64_t now_us = 0;
  std::optional<WallTime> clock = {};

  double share(std::int64_t us) const {
    return std::clamp(static_cast<double>(us - from_us) / static_cast<double>(to_us - from_us), 0.0,
                      1.0);
  }
};

Span span_of(const FrameTime& time) {
  constexpr std::int64_t kMost = std::int64_t{1} << 50;
  Span span;
  span.now_us = std::clamp<std::int64_t>(time.now_us, 0, kMost);
  span.clock = time.clock;
  if (time.duration_us > 0) {
    span.to_us = std::max(std::min(time.duration_us, kMost), span.now_us) + 1;
  } else {
    span.from_us = std::max<std::int64_t>(0, span.now_us - kLiveWindowUs);
    span.to_us = span.from_us + kLiveWindowUs + 1;
  }
  return span;
}

std::string name_of(const ClipTimeline& timeline, int label) {
  if (label == ClipTimeline::kUnknown) return "unknown";
  return shorten(timeline.labels()[static_cast<std::size_t>(label)], kLegendColumns);
}

// Tracks to show: all if they fit, otherwise those in the current frame, then the latest.
std::vector<std::int64_t> chosen_tracks(const ClipTimeline& timeline, std::size_t rows) {
  std::vector<std::int64_t> all = timeline.tracks();
  if (all.size() <= rows) return all;
  std::vector<std::int64_t> out;
  for (const std::int64_t id : all) {
    if (out.size() < rows && timeline.is_current(id)) out.push_back(id);
  }
  for (auto it = all.rbegin(); it != all.rend() && out.size() < rows; ++it) {
    if (!timeline.is_current(*it)) out.push_back(*it);
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool is_light(const Colour& c) { return 0.299 * c.r + 0.587 * c.g + 0.114 * c.b > 125; }

class Band {
 public:
  Band(Canvas& canvas, const Metrics& m, const ClipTimeline& timeline, const Span& span,
       const BandStyle& style)
      : canvas_(canvas), timeline_(timeline), span_(span), style_(style), font_(0.86 * m.font) {}

  double font() const { return font_; }

  void draw_track(std::int64_t id, const Rect& bar, const Rect& tag, bool with_tag) {
    const double radius = std::min(0.25 * bar.h, 0.4 * font_);
    canvas_.fill(bar, radius, kAhead, 1.0);
    const double step = std::max(2.0, bar.w / static_cast<double>(ClipTimeline::kBins));
    const double end = bar.w * span_.share(span_.now_us + 1);
    int running = ClipTimeline::kAbsent;
    double start = 0;
    for (double x = 0; x < end; x += step) {
      const int label = timeline_.label_at(id, time_at(x / bar.w), time_at((x + step) / bar.w));
      if (label == running) continue;
      // A track keeps its label between two analysed frames.
      const bool ahead = time_at(x / bar.w) >= timeline_.end_us();
      if (label == ClipTimeline::kAbsent && ahead && timeline_.is_current(id)) continue;
      draw_segment(bar, start, x, running);
      running = label;
      start = x;
    }
    draw_segment(bar, start, std::max(end, start), running);
    draw_intensity(id, bar, end, step);
    if (with_tag) draw_tag(id, tag);
  }

  void draw_head(const Rect& area) {
    const double x = area.x + area.w * span_.share(span_.now_us + 1);
    canvas_.fill({std::min(x, area.right() - 1) - 1, area.y - 2, 2, area.h + 4}, 1, kBandInk, 0.95);
  }

  void draw_footer(const Rect& r, std::size_t hidden, bool live) {
    const Fonts::Style style{font_, false};
    std::string clock = instant_text(span_.now_us, span_.clock);
    if (!live && span_.clock) {
      const WallTime now = span_.clock->after(span_.now_us);
      clock += " / " + time_of_day(span_.clock->after(span_.to_us - 1), now);
    } else if (!live) {
      clock += " / " + instant_text(span_.to_us - 1, {});
    }
    const double clock_width = canvas_.text_width(clock, style, r.w);
    const double middle = r.y + r.h / 2;
    canvas_.text(clock, r.right() - clock_width, middle, style, clock_width + 1, kBandInk, 0.85);
    double x = r.x;
    const double limit = r.right() - clock_width - font_;
    if (hidden > 0) {
      std::string more = "+";
      more += std::to_string(hidden);
      x += canvas_.text(more, x, middle, style, limit - x, kBandInk, 0.7) + 0.8 * font_;
    }
    for (const int label : seen_) {
      const std::string name = name_of(timeline_, label);
      const double swatch = 0.75 * font_;
      const double need = swatch + 0.4 * font_ + canvas_.text_width(name, style, 12 * font_);
      if (x + need > limit) break;
      canvas_.fill({x, middle - swatch / 2, swatch, swatch}, 0.2 * font_, colour_of(label), 1.0);
      canvas_.text(name, x + swatch + 0.4 * font_, middle, style, 12 * font_, kBandInk, 0.95);
      x += need + 0.9 * font_;
    }
  }

 private:
  const Colour& colour_of(int label) const {
    return label < 0 ? kGrey
                     : style_.labels.of(timeline_.labels()[static_cast<std::size_t>(label)]);
  }

  std::int64_t time_at(double share) const {
    return span_.from_us +
           static_cast<std::int64_t>(share * static_cast<double>(span_.to_us - span_.from_us));
  }

  void draw_segment(const Rect& bar, double from, double to, int label) {
    if (label == ClipTimeline::kAbsent || to <= from) return;
    if (std::find(seen_.begin(), seen_.end(), label) == seen_.end()) seen_.push_back(label);
    const Colour& colour = colour_of(label);
    const Rect r{bar.x + from, bar.y, to - from, bar.h};
    canvas_.fill(r, std::min(0.25 * bar.h, std::min(0.4 * font_, r.w / 2)), colour, 1.0);
    const Fonts::Style style{std::min(font_, 0.8 * bar.h), false};
    const std::string name = name_of(timeline_, label);
    const double width = canvas_.text_width(name, style, 1e5);
    if (width + font_ <= r.w && bar.h >= 0.95 * font_) {
      canvas_.text(name, r.x + (r.w - width) / 2, r.y + r.h / 2, style, width + 2,
                   is_light(colour) ? kDark : kBandInk, 0.95);
    }
  }

  // Draws a line over the bar: at its lower edge for a neutral face, at the upper edge for full
  // intensity.
  void draw_intensity(std::int64_t id, const Rect& bar, double end, double step) {
    const double thick = std::max(1.5, 0.08 * bar.h);
    for (double x = 0; x < end; x += step) {
      const auto value =
          timeline_.intensity_at(id, time_at(x / bar.w), time_at((x + step) / bar.w));
      if (!value) continue;
      const double y = bar.y + (bar.h - thick) * (1 - *value);
      canvas_.fill({bar.x + x, y, std::min(step, end - x), thick}, 0, kBandInk, 0.9);
    }
  }

  void draw_tag(std::int64_t id, const Rect& tag) {
    const Fonts::Style style{std::min(0.9 * font_, 0.8 * tag.h), true};
    const std::string name = std::to_string(id);
    canvas_.fill(tag, 0.3 * font_, style_.people.of(id), 1.0);
    const double width = canvas_.text_width(name, style, tag.w);
    canvas_.text(name, tag.x + (tag.w - width) / 2, tag.y + tag.h / 2, style, tag.w, kDark);
  }

  Canvas& canvas_;
  const ClipTimeline& timeline_;
  Span span_;
  const BandStyle& style_;
  double font_;
  std::vector<int> seen_;
};

}  // namespace

int band_height(const Metrics& m, int rows) {
  return static_cast<int>(std::lround(m.font * (0.86 * (1.45 * rows + 1.7) + 1.0)));
}

void draw_band(Canvas& canvas, const Rect& area, const Metrics& m, const ClipTimeline& timeline,
               const FrameTime& time, const BandStyle& style) {
  canvas.clip_to(area);
  canvas.fill(area, 0, kGround, 1.0);
  Band band(canvas, m, timeline, span_of(time), style);
  const double font = band.font();
  const double pad = 0.5 * m.font;
  const std::vector<std::int64_t> tracks =
      chosen_tracks(timeline, static_cast<std::size_t>(std::max(style.rows, 1)));
  const std::size_t all = timeline.tracks().size() + timeline.dropped_tracks();
  const double footer = 1.7 * font;
  const Rect inner{area.x + pad, area.y + pad, area.w - 2 * pad, area.h - 2 * pad - footer};

  double tag_width = 0;
  for (const std::int64_t id : tracks) {
    tag_width = std::max(
        tag_width, canvas.text_width(std::to_string(id), {0.9 * font, true}, 200) + 0.7 * font);
  }
  tag_width = std::min(std::max(tag_width, 1.4 * font), inner.w / 3);
  const double tag_gap = 0.4 * font;
  const Rect bars{inner.x + tag_width + tag_gap, inner.y, inner.w - tag_width - tag_gap, inner.h};
  const double pitch = inner.h / static_cast<double>(std::max<std::size_t>(tracks.size(), 1));
  const double thick = std::floor(std::min(0.84 * pitch, 2.2 * font));
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    const double y = std::round(inner.y + pitch * (static_cast<double>(i) + 0.5) - thick / 2);
    band.draw_track(tracks[i], {bars.x, y, bars.w, thick}, {inner.x, y, tag_width, thick}, true);
  }
  if (!tracks.empty()) band.draw_head(bars);
  band.draw_footer({inner.x, area.bottom() - pad - footer + 0.25 * font, inner.w, footer},
                   all - tracks.size(), time.duration_us <= 0);
  canvas.unclip();
}

}  // namespace mien::report
