#include "mien/report/subtitles.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "report/html.h"
#include "report/names.h"
#include "report/text.h"

namespace mien::report {
namespace {

std::string cue_time(std::int64_t ms, SubtitleFormat format) {
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", ms / 3'600'000, ms / 60'000 % 60, ms / 1000 % 60,
                     format == SubtitleFormat::kSrt ? ',' : '.', ms % 1000);
}

// SubRip has no escapes, so angle brackets would be read as markup.
std::string cue_text(std::string_view text, SubtitleFormat format) {
  if (format == SubtitleFormat::kVtt) return escape_markup(text);
  std::string out;
  for (const char c : printable(text, 2000)) {
    if (c == '<') {
      out += "‹";
    } else if (c == '>') {
      out += "›";
    } else {
      out += c;
    }
  }
  return out;
}

std::int64_t milliseconds(std::int64_t us) { return (us + 500) / 1000; }

// The text on the screen from a time on: the label of every visible face.
using Screen = std::map<std::int64_t, std::string>;

}  // namespace

std::string subtitles(const LabelSegments& segments, SubtitleFormat format,
                      std::string_view notice) {
  const std::vector<SegmentTrack> tracks = segments.tracks();
  struct Change {
    std::int64_t face;
    std::string text = {};
  };
  std::multimap<std::int64_t, Change> ends, begins;
  std::map<std::int64_t, bool> moments;
  for (const SegmentTrack& track : tracks) {
    for (const Segment& segment : track.segments) {
      const std::int64_t from = milliseconds(segment.from_us), to = milliseconds(segment.to_us);
      if (from >= to) continue;
      std::string text = cue_text(segments.name(segment.label), format);
      if (const auto change = track.change_of(segment)) text += " (" + points(*change) + ')';
      begins.emplace(from, Change{track.id, std::move(text)});
      ends.emplace(to, Change{track.id});
      moments[from] = moments[to] = true;
    }
  }
  std::string out = format == SubtitleFormat::kVtt ? "WEBVTT\n\n" : "";
  if (format == SubtitleFormat::kVtt && !notice.empty()) {
    out += "NOTE\n";
    out += escape_lines(notice);
    out += "\n\n";
  }
  Screen screen;
  std::int64_t since = 0;
  int number = 0;
  const auto tell = [&](std::int64_t until) {
    if (screen.empty() || until <= since) return;
    if (format == SubtitleFormat::kSrt) out += fmt::format("{}\n", ++number);
    out += fmt::format("{} --> {}\n", cue_time(since, format), cue_time(until, format));
    for (const auto& [face, name] : screen) {
      out += tracks.size() == 1 ? name + "\n" : fmt::format("face {}: {}\n", face, name);
    }
    out += "\n";
  };
  for (const auto& [moment, unused] : moments) {
    Screen next = screen;
    for (auto [it, end] = ends.equal_range(moment); it != end; ++it) next.erase(it->second.face);
    for (auto [it, end] = begins.equal_range(moment); it != end; ++it) {
      next[it->second.face] = it->second.text;
    }
    if (next == screen) continue;
    tell(moment);
    screen = std::move(next);
    since = moment;
  }
  return out;
}

}  // namespace mien::report
