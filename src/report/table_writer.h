#pragma once

// Layout shared by the tables of pictures and clips.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "report/label_colours.h"
#include "report/names.h"
#include "report/palette.h"
#include "report/table.h"
#include "report/text.h"

namespace mien::report {

constexpr int kMinTableWidth = 40;
constexpr int kMaxBar = 24;
constexpr int kMinBar = 8;
constexpr int kPercentWidth = 5;

inline std::string paint(const std::string& text, int ansi, bool colour) {
  if (!colour || text.empty()) return text;
  return "\x1b[38;5;" + std::to_string(ansi) + 'm' + text + "\x1b[0m";
}

inline std::string strong(const std::string& text, bool colour) {
  return colour ? "\x1b[1m" + text + "\x1b[0m" : text;
}

inline std::string number_cell(double value) {
  if (!std::isfinite(value)) return "?";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, std::abs(value) < 1e7 ? "%.0f" : "%.2g", value);
  return buffer;
}

inline std::string decimal(double value) {
  if (!std::isfinite(value)) return "?";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, std::abs(value) < 1e7 ? "%10.3f" : "%10.4g", value);
  return buffer;
}

inline std::string counted(std::int64_t n, const std::string& one, const std::string& many) {
  return (n == 0 ? "no" : std::to_string(n)) + ' ' + (n == 1 || n == 0 ? one : many);
}

// A bar of `width` columns, filled to `part`.
inline std::string bar(double part, int width, bool unicode) {
  static constexpr const char* kEighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = std::isfinite(part) ? std::clamp(part, 0.0, 1.0) : 0.0;
  std::string out;
  if (!unicode) {
    const long full = std::lround(share * width);
    return std::string(static_cast<std::size_t>(full), '#');
  }
  const long eighths = std::lround(share * width * 8);
  for (long i = 0; i < eighths / 8; ++i) out += "█";
  return out + kEighths[eighths % 8];
}

/// Collects the lines of a table.
class TableWriter {
 public:
  explicit TableWriter(const TableOptions& options) : options_(options) {
    options_.width = std::clamp(options.width, kMinTableWidth, 400);
    options_.top = std::max(options.top, 1);
  }

  const TableOptions& options() const { return options_; }
  int width() const { return options_.width; }

  // A line that starts with user text: the name is shortened so that `rest` fits.
  void title(const std::string& name, const std::string& rest) {
    const int space = std::max(width() - display_width(rest) - 2, width() / 3);
    const std::string shown = shorten(name, space, options_.unicode);
    const int left = width() - display_width(shown) - 2;
    out_ += strong(shown, options_.colour) + "  " + shorten(rest, left, options_.unicode) + '\n';
  }

  void line(const std::string& text) {
    out_ += text.substr(0, text.find_last_not_of(' ') + 1) + '\n';
  }

  // "  #0  happy  93%  ██████": the verdict and the runners-up of one face or track.
  template <class Scored>
  void scores(const std::string& head, int ansi, const Scored& scored, const std::string& note) {
    const int indent = 2 + std::max(display_width(head), 2) + 2;
    std::string start =
        "  " + paint(fit(head, indent - 4, Align::kLeft, options_.unicode), ansi, options_.colour) +
        "  ";
    if (scored.labels.empty()) {
      line(start + shorten(note, width() - indent, options_.unicode));
      return;
    }
    const std::size_t shown =
        std::min(scored.labels.size(), static_cast<std::size_t>(options_.top));
    const int label_width = label_columns(scored, shown, indent);
    const int room = width() - indent - label_width - kPercentWidth - 4;
    const int beside = room - display_width(note) - 2;  // for bars, with the note after them
    const bool note_beside = !scored.unknown && beside >= kMinBar;
    const int bar_width = std::min(kMaxBar, note_beside ? beside : room);
    const std::string space(static_cast<std::size_t>(indent), ' ');
    if (scored.unknown) {
      line(start + strong("unknown", options_.colour) + "  " +
           shorten(note, width() - indent - 9, options_.unicode));
    }
    const LabelColours colours = options_.colour ? colours_of(scored.labels) : LabelColours();
    for (std::size_t i = 0; i < shown; ++i) {
      const engine::LabelScore& s = scored.labels[i];
      const bool leads = i == 0 && !scored.unknown;
      const std::string label = fit(s.label, label_width, Align::kLeft, options_.unicode);
      const std::string filled = bar(s.probability, bar_width, options_.unicode);
      std::string row =
          (leads ? start : space) + (leads ? strong(label, options_.colour) : label) + ' ' +
          fit(percent(s.probability), kPercentWidth, Align::kRight) + "  " +
          paint(filled, scored.unknown ? kGrey.ansi : colours.of(s.label).ansi, options_.colour);
      if (leads && note_beside) {
        row += std::string(static_cast<std::size_t>(bar_width - display_width(filled)) + 2, ' ');
        row += note;
      }
      line(row);
    }
    if (!scored.unknown && !note_beside) {
      line(space + shorten(note, width() - indent, options_.unicode));
    }
  }

  // The values of a regression, below the labels.
  void values(const std::vector<engine::TargetValue>& values) {
    const int widest = std::max(8, width() / 2);
    int columns = 8;
    for (const engine::TargetValue& item : values) {
      columns = std::max(columns, display_width(shorten(item.target, widest, options_.unicode)));
    }
    for (const engine::TargetValue& item : values) {
      line("      " + fit(item.target, std::min(columns, widest), Align::kLeft, options_.unicode) +
           "  " + decimal(static_cast<double>(item.value)));
    }
  }

  std::string take() { return std::move(out_); }

 private:
  template <class Scored>
  int label_columns(const Scored& scored, std::size_t shown, int indent) const {
    int widest = 8;
    const int most = std::max(10, (width() - indent - kPercentWidth - 4) / 2);
    for (std::size_t i = 0; i < shown; ++i) {
      widest =
          std::max(widest, display_width(shorten(scored.labels[i].label, most, options_.unicode)));
    }
    return std::min(widest, most);
  }

  TableOptions options_;
  std::string out_;
};

}  // namespace mien::report
