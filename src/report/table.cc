#include "mien/report/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/report/text.h"
#include "report/explain.h"
#include "report/label_colours.h"
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
constexpr std::size_t kMaxLabels = 256;
constexpr std::size_t kMaxShares = 12;  // labels of one track
constexpr std::size_t kFewTracks = 6;
constexpr std::size_t kSegmentsOfFew = 12;  // of one track that are listed
constexpr std::size_t kSegmentsOfMany = 4;

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

void add_legend(Writer& writer, const std::vector<std::string>& labels,
                const std::vector<char>& symbols, const std::vector<bool>& seen, bool has_unknown,
                const LabelColours& colours) {
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
    add(symbols[i], labels[i], colours.of(labels[i]).ansi);
    ++told;
  }
  if (has_unknown) add('?', "unknown", kGrey.ansi);
  add('.', "not there", kGrey.ansi);
  writer.line(row);
}

// The segment that fills most of a stretch of time; nullptr: none is there.
const pipeline::TrackSegment* segment_at(const std::vector<pipeline::TrackSegment>& segments,
                                         std::int64_t from_us, std::int64_t to_us) {
  auto at = std::partition_point(segments.begin(), segments.end(),
                                 [&](const auto& s) { return s.to_us <= from_us; });
  const pipeline::TrackSegment* best = nullptr;
  std::int64_t most = 0;
  for (; at != segments.end() && at->from_us < to_us; ++at) {
    const std::int64_t shared = std::min(at->to_us, to_us) - std::max(at->from_us, from_us);
    if (shared > most) {
      most = shared;
      best = &*at;
    }
  }
  return best;
}

// Labels in the order in which they first lead.
std::vector<std::string> labels_of(std::span<const pipeline::TrackResult> tracks) {
  std::vector<std::string> out;
  std::map<std::string_view, bool> known;
  for (const pipeline::TrackResult& track : tracks) {
    for (const pipeline::TrackSegment& segment : track.segments) {
      if (segment.unknown || out.size() >= kMaxLabels) continue;
      if (known.emplace(segment.label, true).second) out.push_back(segment.label);
    }
  }
  return out;
}

void add_timeline(Writer& writer, std::span<const pipeline::TrackResult> tracks, double seconds) {
  const TableOptions& options = writer.options();
  std::int64_t end_us = 0, highest = 0;
  for (const pipeline::TrackResult& track : tracks) {
    if (!track.segments.empty()) end_us = std::max(end_us, track.segments.back().to_us);
    highest = std::max(highest, track.track);
  }
  if (end_us <= 0) return;
  const std::vector<std::string> labels = labels_of(tracks);
  const std::vector<char> symbols = label_symbols(labels);
  const LabelColours colours = colours_of(tracks);
  std::map<std::string_view, std::size_t> places;
  for (std::size_t i = 0; i < labels.size(); ++i) places.emplace(labels[i], i);
  std::vector<bool> seen(labels.size());
  bool has_unknown = false;
  const int head = 3 + static_cast<int>(std::to_string(highest).size()) + 2;
  const int columns = std::min(writer.width() - head - 1, 100);
  const std::int64_t span_us =
      std::max(end_us, static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e9) * 1e6));
  writer.line("  time line, 0:00.0 to " + clock_text(static_cast<double>(span_us) / 1e6));
  for (const pipeline::TrackResult& track : tracks.first(std::min(tracks.size(), kMaxRows))) {
    std::string row = "  " +
                      paint(fit('#' + std::to_string(track.track), head - 3),
                            track_colour(track.track).ansi, options.colour) +
                      ' ';
    for (int c = 0; c < columns; ++c) {
      const auto* segment =
          segment_at(track.segments, span_us * c / columns, span_us * (c + 1) / columns);
      int label = -1;
      char symbol = segment == nullptr ? '.' : '?';
      if (segment != nullptr && segment->unknown) has_unknown = true;
      if (segment != nullptr && !segment->unknown) {
        const auto at = places.find(segment->label);
        label = at == places.end() ? -1 : static_cast<int>(at->second);
        symbol = at == places.end() ? '#' : symbols[at->second];
        if (label >= 0) seen[at->second] = true;
      }
      const Colour& colour =
          label < 0 ? kGrey : colours.of(labels[static_cast<std::size_t>(label)]);
      row += paint(std::string(1, symbol), colour.ansi, options.colour);
    }
    writer.line(row);
  }
  if (tracks.size() > kMaxRows) {
    writer.line("  and " + std::to_string(tracks.size() - kMaxRows) + " more");
  }
  add_legend(writer, labels, symbols, seen, has_unknown, colours);
}

std::string clock_of(std::int64_t us) { return clock_text(static_cast<double>(us) / 1e6); }

void add_shares(Writer& writer, const pipeline::TrackResult& track, int width) {
  const TableOptions& options = writer.options();
  const LabelColours colours = colours_of(std::span(&track, 1));
  const int bar_width = std::clamp(writer.width() - 6 - width - kPercentWidth - 14, 4, kMaxBar);
  writer.line("      share of time");
  std::size_t told = 0, hidden = 0;
  for (const pipeline::LabelTime& time : track.shares) {
    if (time.seconds <= 0) continue;
    if (told == kMaxShares && !time.unknown) {
      ++hidden;
      continue;
    }
    const std::string filled = bar(time.share, bar_width, options.unicode);
    const std::string space(static_cast<std::size_t>(bar_width - display_width(filled)), ' ');
    writer.line(
        "      " + fit(time.label, width, Align::kLeft, options.unicode) + ' ' +
        fit(percent(time.share), kPercentWidth, Align::kRight) + "  " +
        paint(filled, time.unknown ? kGrey.ansi : colours.of(time.label).ansi, options.colour) +
        space + ' ' + clock_text(time.seconds));
    if (!time.unknown) ++told;
  }
  if (hidden > 0)
    writer.line("      and " + counted(static_cast<std::int64_t>(hidden), "other", "others"));
}

void add_segments(Writer& writer, const pipeline::TrackResult& track, int width, std::size_t most) {
  writer.line("      segments");
  const std::size_t shown = std::min(track.segments.size(), most);
  for (std::size_t i = 0; i < shown; ++i) {
    const pipeline::TrackSegment& segment = track.segments[i];
    const std::string label = fit(segment.label, width, Align::kLeft, writer.options().unicode);
    writer.line(
        "      " + label + ' ' +
        fit(segment.unknown ? "" : percent(segment.probability), kPercentWidth, Align::kRight) +
        (track.baseline
             ? fit(segment.change ? points(*segment.change) : "", kPercentWidth, Align::kRight)
             : "") +
        "  " + clock_of(segment.from_us) + " to " + clock_of(segment.to_us));
  }
  const auto more = static_cast<std::int64_t>(track.segments.size() - shown);
  if (more > 0) writer.line("      and " + std::to_string(more) + " more");
}

// The labels that differ most from the baseline.
void add_baseline(Writer& writer, const pipeline::BaselineResult& baseline) {
  if (baseline.labels.empty()) return writer.line("      no baseline: the face was not there");
  auto labels = baseline.labels;
  std::stable_sort(labels.begin(), labels.end(), [](const auto& a, const auto& b) {
    return std::abs(a.change) > std::abs(b.change);
  });
  std::string row = "      against its baseline of " + clock_text(baseline.seconds) + ": ";
  for (std::size_t i = 0; i < std::min<std::size_t>(labels.size(), 4); ++i) {
    row += (i == 0 ? "" : ", ") + printable(labels[i].label, 200) + ' ' + points(labels[i].change);
  }
  writer.line(shorten(row, writer.width(), writer.options().unicode));
}

void add_track(Writer& writer, const pipeline::TrackResult& track, std::size_t most_segments) {
  const TableOptions& options = writer.options();
  const std::string note = clock_of(track.from_us) + " to " + clock_of(track.to_us) + ", " +
                           counted(track.frames, "frame", "frames");
  const int ansi = track_colour(track.track).ansi;
  const std::string head = '#' + std::to_string(track.track);
  if (track.segments.empty()) {
    writer.scores(head, ansi, track, note);
  } else {
    writer.scores(head, ansi, pipeline::TrackResult(), note);
    int width = 8;
    for (const pipeline::LabelTime& time : track.shares) {
      if (time.seconds > 0) width = std::max(width, display_width(printable(time.label, 60)));
    }
    width = std::min(width, std::max(10, (writer.width() - 30) / 2));
    add_shares(writer, track, width);
    add_segments(writer, track, width, most_segments);
  }
  if (!track.labels.empty() && !track.segments.empty()) {
    std::string row = track.aggregate == engine::Aggregate::kTemporal
                          ? "      whole track read as one, by the temporal model: "
                          : "      whole track read as one, the mean of its frames: ";
    row += track.unknown ? "unknown (" : "";
    const auto shown = std::min(track.labels.size(), static_cast<std::size_t>(options.top));
    for (std::size_t i = 0; i < shown; ++i) {
      row += (i == 0 ? "" : ", ") + printable(track.labels[i].label, 200) + ' ' +
             percent(track.labels[i].probability);
    }
    if (track.unknown) row += ')';
    writer.line(shorten(row, writer.width(), options.unicode));
  }
  if (track.baseline) add_baseline(writer, *track.baseline);
  for (const auto& row : explanation(track.labels, track.reasons, options)) writer.line(row);
  writer.values(track.values);
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

std::string now_line(const pipeline::FrameResult& frame, const TableOptions& options) {
  std::string out = clock_of(frame.timestamp_us);
  for (const engine::FaceResult& face : frame.faces) {
    const auto& labels = face.steady ? face.steady->labels : face.labels;
    if (face.face.track < 0 || labels.empty()) continue;
    out += "  #" + std::to_string(face.face.track) + ' ';
    if (face.steady ? face.steady->unknown : face.unknown) {
      out += "unknown";
    } else {
      out += shorten(labels.front().label, 24, options.unicode) + ' ' +
             percent(labels.front().probability);
      const auto& change = face.steady ? face.steady->change : face.change;
      if (!change.empty()) out += ' ' + points(static_cast<double>(change.front()));
    }
    if (out.size() > 4096) break;
  }
  return shorten(out, std::max(options.width, kMinWidth), options.unicode);
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
                       std::span<const pipeline::TrackResult> tracks, const TableOptions& options) {
  Writer writer(options);
  std::string facts = clock_text(summary.media_seconds) + ", " +
                      counted(summary.frames, "frame", "frames") + ", " +
                      std::to_string(summary.analysed_frames) + " analysed, " +
                      counted(summary.tracks, "track", "tracks");
  if (summary.corrupt_frames > 0) {
    facts += ", " + std::to_string(summary.corrupt_frames) + " broken";
  }
  if (summary.cut_short) facts += ", " + video::to_string(*summary.cut_short);
  const std::string smallest = number_cell(static_cast<double>(summary.smallest_face));
  if (summary.smallest_face > 0) facts += ", faces from " + smallest + " px";
  writer.title(summary.input, facts);
  if (summary.smallest_face > 0 && tracks.empty()) {
    writer.line("  no face of " + smallest + " pixels or more (--min-face N: search for smaller)");
  }
  const std::size_t most = tracks.size() > kFewTracks ? kSegmentsOfMany : kSegmentsOfFew;
  for (const pipeline::TrackResult& track : tracks) add_track(writer, track, most);
  const bool values = !tracks.empty() && !tracks.front().values.empty();
  if (values) {
    writer.line(tracks.front().aggregate == engine::Aggregate::kTemporal
                    ? "  tracks: read by the temporal model"
                    : "  tracks: mean of their frames");
  }
  add_timeline(writer, tracks, summary.start_seconds + summary.media_seconds);
  return writer.take();
}

}  // namespace mien::report
