#include "mien/report/clip_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

namespace mien::report {
namespace {

std::string seconds_cell(std::int64_t us) {
  return fmt::format("{:.6f}", static_cast<double>(us) / 1e6);
}

std::string share_cell(double value) {
  return std::isfinite(value) ? fmt::format("{:.4f}", value) : std::string();
}

constexpr std::string_view kCutShort = ",cut_short,expected_frames";

std::string cut_short_cells(const pipeline::SummaryResult& clip) {
  if (!clip.cut_short) return ",0,";
  return clip.cut_short->expected > 0 ? fmt::format(",1,{}", clip.cut_short->expected) : ",1,";
}

// Clock times at which a segment began and ended.
std::string clock_cells(const std::optional<WallTime>& clock, std::int64_t from_us,
                        std::int64_t to_us) {
  if (!clock) return ",,";
  return ',' + to_iso(clock->after(from_us)) + ',' + to_iso(clock->after(to_us));
}

}  // namespace

ClipCsv::ClipCsv(Rows rows, std::vector<std::string> labels, const CsvExtras& extras)
    : rows_(rows), extras_(extras) {
  for (std::string& label : labels) {
    if (std::find(labels_.begin(), labels_.end(), label) == labels_.end()) {
      labels_.push_back(std::move(label));
    }
  }
}

std::string ClipCsv::header() const {
  if (rows_ == Rows::kSegments) {
    return std::string("input,face_id,from,to,seconds,label,unknown,probability") +
           (extras_.changes ? ",change,risen,risen_by" : "") + std::string(kCutShort) +
           (extras_.clock ? ",from_clock,to_clock\n" : "\n");
  }
  std::string out = "input,face_id,from,to,frames,seconds,longest";
  for (const std::string& label : labels_) out += ',' + csv_text("share_" + label);
  out += ",share_unknown,whole_aggregate,whole_top,whole_unknown";
  for (const std::string& label : labels_) out += ',' + csv_text("whole_p_" + label);
  if (extras_.changes) {
    out += ",baseline_seconds";
    for (const std::string& label : labels_) out += ',' + csv_text("baseline_" + label);
    for (const std::string& label : labels_) out += ',' + csv_text("change_" + label);
  }
  return out.append(kCutShort) + (extras_.clock ? ",from_clock,to_clock\n" : "\n");
}

std::string ClipCsv::rows(const pipeline::TrackResult& track,
                          const pipeline::SummaryResult& clip) const {
  if (rows_ == Rows::kTracks) {
    return track_row(track) + cut_short_cells(clip) +
           (extras_.clock ? clock_cells(track.clock, track.from_us, track.to_us) : "") + '\n';
  }
  std::string out;
  for (const pipeline::TrackSegment& segment : track.segments) {
    out += fmt::format("{},{},{},{},{},{},{},{}", csv_text(track.input), track.track,
                       seconds_cell(segment.from_us), seconds_cell(segment.to_us),
                       seconds_cell(segment.to_us - segment.from_us), csv_text(segment.label),
                       segment.unknown ? 1 : 0,
                       segment.unknown ? std::string() : share_cell(segment.probability));
    if (extras_.changes) {
      const bool known = !segment.risen.empty();
      out += fmt::format(",{},{},{}", segment.change ? share_cell(*segment.change) : std::string(),
                         csv_text(segment.risen),
                         known ? share_cell(segment.risen_by) : std::string());
    }
    out += cut_short_cells(clip);
    if (extras_.clock) out += clock_cells(track.clock, segment.from_us, segment.to_us);
    out += '\n';
  }
  return out;
}

std::string ClipCsv::track_row(const pipeline::TrackResult& track) const {
  double seconds = 0;
  const pipeline::LabelTime* longest = nullptr;
  for (const pipeline::LabelTime& time : track.shares) {
    seconds += time.seconds;
    if (longest == nullptr || time.seconds > longest->seconds) longest = &time;
  }
  std::string out =
      fmt::format("{},{},{},{},{},{:.6f},{}", csv_text(track.input), track.track,
                  seconds_cell(track.from_us), seconds_cell(track.to_us), track.frames, seconds,
                  longest == nullptr ? "" : csv_text(longest->label));
  const auto share_of = [&](std::string_view label, bool unknown) {
    const auto at = std::find_if(track.shares.begin(), track.shares.end(), [&](const auto& time) {
      return time.unknown == unknown && (unknown || time.label == label);
    });
    return at == track.shares.end() ? std::string() : share_cell(at->share);
  };
  for (const std::string& label : labels_) out += ',' + share_of(label, false);
  out += ',' + share_of("", true);
  if (track.labels.empty()) {
    const std::size_t cells = 3 + labels_.size() + (extras_.changes ? 1 + 2 * labels_.size() : 0);
    return out + std::string(cells, ',');
  }
  out += fmt::format(",{},{},{}", engine::to_string(track.aggregate), csv_text(track.top()),
                     track.unknown ? 1 : 0);
  for (const std::string& label : labels_) {
    const auto at = std::find_if(track.labels.begin(), track.labels.end(),
                                 [&](const auto& score) { return score.label == label; });
    out += ',' + (at == track.labels.end() ? std::string()
                                           : share_cell(static_cast<double>(at->probability)));
  }
  return out + (extras_.changes ? baseline_cells(track) : std::string());
}

std::string ClipCsv::baseline_cells(const pipeline::TrackResult& track) const {
  std::string bases, changes;
  for (const std::string& label : labels_) {
    bases += ',';
    changes += ',';
    if (!track.baseline) continue;
    for (const auto& one : track.baseline->labels) {
      if (one.label != label) continue;
      bases += share_cell(one.baseline);
      changes += share_cell(one.change);
    }
  }
  const double seconds = track.baseline ? track.baseline->seconds : 0;
  return fmt::format(",{:.6f}", seconds) + bases + changes;
}

}  // namespace mien::report
