#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <vector>

#include "report/explain.h"
#include "report/table.h"
#include "report/table_writer.h"

namespace mien::report {
namespace {

constexpr std::size_t kMaxRows = 40;    // rows of a timeline
constexpr std::size_t kMaxLegend = 40;  // labels in the legend of a timeline
constexpr std::size_t kMaxLabels = 256;
constexpr std::size_t kMaxShares = 12;  // labels of one track
constexpr std::size_t kFewTracks = 6;
constexpr std::size_t kSegmentsOfFew = 12;  // number listed for one track
constexpr std::size_t kSegmentsOfMany = 4;

// One character per label: a free letter of the label, otherwise the next of a fixed list.
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

void add_legend(TableWriter& writer, const std::vector<std::string>& labels,
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
  add('.', "absent", kGrey.ansi);
  writer.line(row);
}

// The segment that fills most of an interval; nullptr if there is none.
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

void add_timeline(TableWriter& writer, std::span<const pipeline::TrackResult> tracks,
                  double seconds) {
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
  std::map<std::string_view, std::size_t> indices;
  for (std::size_t i = 0; i < labels.size(); ++i) indices.emplace(labels[i], i);
  std::vector<bool> seen(labels.size());
  bool has_unknown = false;
  const int head = 3 + static_cast<int>(std::to_string(highest).size()) + 2;
  const int columns = std::min(writer.width() - head - 1, 100);
  const std::int64_t span_us =
      std::max(end_us, static_cast<std::int64_t>(std::clamp(seconds, 0.0, 1e9) * 1e6));
  writer.line(shorten("  timeline, " + span_text(0, span_us, tracks.front().clock), writer.width(),
                      options.unicode));
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
        const auto at = indices.find(segment->label);
        label = at == indices.end() ? -1 : static_cast<int>(at->second);
        symbol = at == indices.end() ? '#' : symbols[at->second];
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

void add_shares(TableWriter& writer, const pipeline::TrackResult& track, int width) {
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

void add_segments(TableWriter& writer, const pipeline::TrackResult& track, int width,
                  std::size_t most) {
  writer.line("      segments");
  const std::size_t shown = std::min(track.segments.size(), most);
  for (std::size_t i = 0; i < shown; ++i) {
    const pipeline::TrackSegment& segment = track.segments[i];
    const std::string label = fit(segment.label, width, Align::kLeft, writer.options().unicode);
    const std::string row =
        "      " + label + ' ' +
        fit(segment.unknown ? "" : percent(segment.probability), kPercentWidth, Align::kRight) +
        (track.baseline
             ? fit(segment.change ? points(*segment.change) : "", kPercentWidth, Align::kRight)
             : "") +
        "  " + span_text(segment.from_us, segment.to_us, track.clock);
    writer.line(shorten(row, writer.width(), writer.options().unicode));
  }
  const auto more = static_cast<std::int64_t>(track.segments.size() - shown);
  if (more > 0) writer.line("      and " + std::to_string(more) + " more");
}

// The labels that differ most from the baseline.
void add_baseline(TableWriter& writer, const pipeline::BaselineResult& baseline) {
  if (baseline.labels.empty()) return writer.line("      no baseline: the face was not visible");
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

void add_track(TableWriter& writer, const pipeline::TrackResult& track, std::size_t most_segments) {
  const TableOptions& options = writer.options();
  const std::string note = span_text(track.from_us, track.to_us, track.clock) + ", " +
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

std::string clip_table(const pipeline::SummaryResult& summary,
                       std::span<const pipeline::TrackResult> tracks, const TableOptions& options) {
  TableWriter writer(options);
  std::string facts = clock_text(summary.media_seconds) + ", " +
                      counted(summary.frames, "frame", "frames") + ", " +
                      std::to_string(summary.analysed_frames) + " analysed, " +
                      counted(summary.tracks, "track", "tracks");
  if (summary.corrupt_frames > 0) {
    facts += ", " + std::to_string(summary.corrupt_frames) + " broken";
  }
  const std::string smallest = number_cell(static_cast<double>(summary.smallest_face));
  if (summary.smallest_face > 0) facts += ", faces from " + smallest + " px";
  writer.title(summary.input, facts);
  if (summary.smallest_face > 0 && tracks.empty()) {
    writer.line("  no face of " + smallest +
                " pixels or more (--min-face N searches for smaller ones)");
  }
  if (summary.cut_short) writer.line("  " + video::to_string(*summary.cut_short));
  if (summary.clock) writer.line("  0:00.0 is " + date_text(*summary.clock));
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
