#pragma once

#include <string>
#include <vector>

#include "mien/pipeline/result.h"
#include "mien/report/csv.h"

namespace mien::report {

/// CSV about whole tracks (docs/reference/outputs.md): one row per track with its shares of time,
/// or one row per segment. As CsvTable: RFC 4180, cells from outside cannot become formulas.
class ClipCsv {
 public:
  enum class Rows { kTracks, kSegments };

  /// `labels`: the label set in the user's order.
  ClipCsv(Rows rows, std::vector<std::string> labels, const CsvExtras& extras = {});

  std::string header() const;
  /// `clip`: the end of the clip that the track is of.
  std::string rows(const pipeline::TrackResult& track, const pipeline::SummaryResult& clip) const;

 private:
  std::string track_row(const pipeline::TrackResult& track) const;
  std::string baseline_cells(const pipeline::TrackResult& track) const;

  Rows rows_;
  std::vector<std::string> labels_;
  CsvExtras extras_;
};

}  // namespace mien::report
