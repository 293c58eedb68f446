#pragma once

#include <string>
#include <vector>

#include "mien/pipeline/result.h"
#include "mien/report/csv.h"

namespace mien::report {

/// CSV of whole tracks (docs/reference/outputs.md): one row per track with its shares of time, or
/// one row per segment. Quoted as FaceCsv does, so that no cell becomes a formula in a spreadsheet.
/// Threads: const member functions are safe from several threads.
class ClipCsv {
 public:
  /// What one row is.
  enum class Rows { kTracks, kSegments };

  /// `labels`: the label set in the user's order.
  ClipCsv(Rows rows, std::vector<std::string> labels, const CsvExtras& extras = {});

  /// The first line, with its line end.
  std::string header() const;
  /// The lines of one track. `clip`: the summary of its clip.
  std::string rows(const pipeline::TrackResult& track, const pipeline::SummaryResult& clip) const;

 private:
  std::string track_row(const pipeline::TrackResult& track) const;
  std::string baseline_cells(const pipeline::TrackResult& track) const;

  Rows rows_;
  std::vector<std::string> labels_;
  CsvExtras extras_;
};

}  // namespace mien::report
