#include "mien/report/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "mien/report/text.h"
#include "report/explain.h"
#include "report/names.h"
#include "report/palette.h"

namespace mien::report {
namespace {

constexpr int kMinWidth = 40;
constexpr int kMaxBar = 24;
constexpr int kMinBar = 8;
constexpr int kPercentWidth = 5;
constexpr std::size_t kMaxRows = 40;    // rows of a time line
constexpr std::size_t kMaxLegend = 40;  // labels told below a time line

std::string paint(const std::string& text, int ansi, bool colour) {
  if (!colour || text.empty()) return text;
  return "\x1b[38;5;" + std::to_string(ansi) + 'm' + text + "\x1b[0m";
}

std::string strong(const std::string& text, bool colour) {
  return colour ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string number_cell(double value) {
  if (!std::isfinite(value)) return "?";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, std::abs(value) < 1e7 ? "%.0f" : "%.2g", value);
  return buffer;
}

std::string decimal(double value) {
  if (!std::isfinite(value)) return "?";
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, std::abs(value) < 1e7 ? "%10.3f" : "%10.4g", value);
  return buffer;
}

std::string counted(std::int64_t n, const std::string& one, const std::string& many) {
  return (n == 0 ? "no" : std::to_string(n)) + ' ' + (n == 1 || n == 0 ? one : many);
}

// A bar of `width` columns, filled to `part`.
std::string bar(double part, int width, bool unicode) {
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

class Writer {
 public:
  explicit Writer(const TableOptions& options) : options_(options) {
    options_.width = std::clamp(options.width, kMinWidth, 400);
    options_.top = std::max(options.top, 1);
  }

  const TableOptions& options() const { return options_; }
  int width() const { return options_.width; }

  // A line that starts with user text: the name is shortened so that `rest` stays readable.
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
    for (std::size_t i = 0; i < shown; ++i) {
      const engine::LabelScore& s = scored.labels[i];
      const bool leads = i == 0 && !scored.unknown;
      const std::string label = fit(s.label, label_width, Align::kLeft, options_.unicode);
      const std::string filled = bar(s.probability, bar_width, options_.unicode);
      std::string row = (leads ? start : space) + (leads ? strong(label, options_.colour) : label) +
                        ' ' + fit(percent(s.probability), kPercentWidth, Align::kRight) + "  " +
                        paint(filled, leads ? ansi : kGrey.ansi, options_.colour);
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

  // What a regression says, below the labels.
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

std::string place_of(const face::Face& face) {
  if (face.source == face::Source::kWhole) return "whole picture";
  std::string out = "at " + number_cell(face.box.x) + "," + number_cell(face.box.y) + ", " +
                    number_cell(face.box.w) + "x" + number_cell(face.box.h);
  if (face.source == face::Source::kBoxes) out += ", given";
  return out;
}

// One character per label: a letter of the label when one is free, else the next of a fixed row.
std::vector<char> label_symbols(const std::vector<std::string>& labels) {
  std::vector<char> out;
  std::string used = "?.";
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto flip = [](char c) { return static_cast<char>(c ^ 0x20); };
  const std::string spare =
      "123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0+*=%&@$!<>^~:;";
  for (const std::string& label : labels) {
    std::string wishes;
    for (const char c : label.substr(0, 64)) {
      if (is_letter(c)) wishes += {c, flip(c)};
    }
    wishes += spare;
    const std::size_t at = wishes.find_first_not_of(used);
    out.push_back(at == std::string::npos ? '#' : wishes[at]);
    used += out.back();
  }
  return out;
}

void add_legend(Writer& writer, const ClipTimeline& timeline, const std::vector<char>& symbols,
                std::vector<bool> seen, bool has_unknown) {
  const TableOptions& options = writer.options();
  std::string row = "     ";
  int used = 5;
  const auto add = [&](char symbol, const std::string& label, int ansi) {
    const std::string text = shorten(label, writer.width() - 12, options.unicode);
    const int need = 2 + display_width(text) + 2;
    if (used > 5 && used + need > writer.width()) {
      writer.line(row);
      row = "     ";
      used = 5;
    }
    row += paint(std::string(1, symbol), ansi, options.colour) + ' ' + text + "  ";
    used += need;
  };
  std::size_t told = 0;
  for (std::size_t i = 0; i < seen.size() && told < kMaxLegend; ++i) {
    if (!seen[i]) continue;
    add(symbols[i], timeline.labels()[i], label_colour(static_cast<int>(i)).ansi);
    ++told;
  }
  if (has_unknown) add('?', "unknown", kGrey.ansi);
  add('.', "not there", kGrey.ansi);
  writer.line(row);
}

void add_timeline(Writer& writer, const ClipTimeline& timeline, double seconds) {
  const TableOptions& options = writer.options();
  const std::vector<std::int64_t> tracks = timeline.tracks();
  if (tracks.empty()) return;
  const std::vector<char> symbols = label_symbols(timeline.labels());
  std::vector<bool> seen(symbols.size());
  bool has_unknown = false;
  const int head = 3 + static_cast<int>(std::to_string(tracks.back()).size()) + 2;
  const int columns = std::min(writer.width() - head - 1, 100);
  const std::int64_t span_us = std::max(
      timeline.end_us() + 1, static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e9) * 1e6));
  const std::string to = clock_text(static_cast<double>(span_us) / 1e6);
  writer.line("  time line, 0:00.0 to " + to);
  for (std::size_t k = 0; k < std::min(tracks.size(), kMaxRows); ++k) {
    std::string row = "  " +
                      paint(fit('#' + std::to_string(tracks[k]), head - 3),
                            track_colour(tracks[k]).ansi, options.colour) +
                      ' ';
    for (int c = 0; c < columns; ++c) {
      const int label =
          timeline.label_at(tracks[k], span_us * c / columns, span_us * (c + 1) / columns);
      has_unknown |= label == ClipTimeline::kUnknown;
      if (label >= 0) seen[static_cast<std::size_t>(label)] = true;
      const char symbol = label >= 0 ? symbols[static_cast<std::size_t>(label)]
                          : label == ClipTimeline::kAbsent ? '.'
                                                           : '?';
      row += paint(std::string(1, symbol), label_colour(label).ansi, options.colour);
    }
    writer.line(row);
  }
  const std::size_t hidden =
      tracks.size() - std::min(tracks.size(), kMaxRows) + timeline.dropped_tracks();
  if (hidden > 0) writer.line("  and " + std::to_string(hidden) + " more");
  add_legend(writer, timeline, symbols, seen, has_unknown);
}

}  // namespace

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "?";
  const double capped = std::min(seconds, 3.6e9);
  char buffer[48];
  if (capped < 599.95) {
    const long tenths = std::lround(capped * 10);
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld.%ld", tenths / 600, tenths / 10 % 60,
                  tenths % 10);
    return buffer;
  }
  const long whole = std::lround(capped);
  if (whole < 3600) {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld", whole / 60, whole % 60);
  } else {
    std::snprintf(buffer, sizeof buffer, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60,
                  whole % 60);
  }
  return buffer;
}

std::string picture_table(const pipeline::FrameResult& picture, const TableOptions& options) {
  Writer writer(options);
  const auto faces = static_cast<std::int64_t>(picture.faces.size());
  writer.title(picture.input, std::to_string(picture.width) + "x" + std::to_string(picture.height) +
                                  ", " + counted(faces, "face", "faces"));
  for (std::size_t i = 0; i < picture.faces.size(); ++i) {
    const engine::FaceResult& face = picture.faces[i];
    std::string note = place_of(face.face);
    if (face.intensity) note += ", intensity " + percent(*face.intensity);
    writer.scores(std::to_string(i + 1), track_colour(static_cast<std::int64_t>(i)).ansi, face,
                  note);
    for (const auto& row : explanation(face.labels, face.reasons, writer.options())) {
      writer.line(row);
    }
    writer.values(face.values);
  }
  if (picture.aggregate == engine::Aggregate::kTemporal && faces > 0) {
    writer.line("  read by the temporal model, as a clip that repeats the picture");
  }
  return writer.take();
}

std::string clip_table(const pipeline::SummaryResult& summary,
                       std::span<const pipeline::TrackResult> tracks, const ClipTimeline& timeline,
                       const TableOptions& options) {
  Writer writer(options);
  std::string facts = clock_text(summary.media_seconds) + ", " +
                      counted(summary.frames, "frame", "frames") + ", " +
                      std::to_string(summary.analysed_frames) + " analysed, " +
                      counted(summary.tracks, "track", "tracks");
  if (summary.corrupt_frames > 0) {
    facts += ", " + std::to_string(summary.corrupt_frames) + " broken";
  }
  const std::string smallest = number(static_cast<double>(summary.smallest_face));
  if (summary.smallest_face > 0) facts += ", faces from " + smallest + " px";
  writer.title(summary.input, facts);
  if (summary.smallest_face > 0 && tracks.empty()) {
    writer.line("  no face of " + smallest + " pixels or more (--min-face N: search for smaller)");
  }
  for (const pipeline::TrackResult& track : tracks) {
    const std::string note = clock_text(static_cast<double>(track.from_us) / 1e6) + " to " +
                             clock_text(static_cast<double>(track.to_us) / 1e6) + ", " +
                             counted(track.frames, "frame", "frames");
    writer.scores('#' + std::to_string(track.track), track_colour(track.track).ansi, track, note);
    for (const auto& row : explanation(track.labels, track.reasons, writer.options())) {
      writer.line(row);
    }
    writer.values(track.values);
  }
  const bool read =
      !tracks.empty() && (!tracks.front().labels.empty() || !tracks.front().values.empty());
  if (read) {
    writer.line(tracks.front().aggregate == engine::Aggregate::kTemporal
                    ? "  tracks: read by the temporal model"
                    : "  tracks: mean of their frames");
  }
  add_timeline(writer, timeline, summary.media_seconds);
  return writer.take();
}

}  // namespace mien::report
