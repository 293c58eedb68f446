#pragma once

#include <string>
#include <vector>

#include "jobs/results_file.h"
#include "jobs/sqlite.h"

namespace mien::jobs {

// Conversions between results and rows. Scores are JSON arrays in the order of the label set, with
// 4 digits as in every output.

/// Binds top, unknown, probabilities and cosines; null when there are no labels.
void bind_scores(Statement& row, const std::vector<engine::LabelScore>& scores, bool unknown,
                 const std::vector<std::string>& labels);
/// Binds cut_short, expected_frames and clock; null for pictures and where nothing is known.
void bind_end(Statement& row, const pipeline::SummaryResult& summary);
/// Binds the columns from track to cosines.
void bind_face(Statement& row, const engine::FaceResult& face,
               const std::vector<std::string>& labels);

/// Reads the columns that ResultsFile selects. Errors: kCorrupt for scores that are not such an
/// array.
FileRow read_file_row(const Statement& row);
pipeline::FrameResult read_frame(const Statement& row, const FileRow& file);
Result<engine::FaceResult> read_face(const Statement& row, const std::vector<std::string>& labels);
Result<pipeline::TrackResult> read_track(const Statement& row, const FileRow& file,
                                         const std::vector<std::string>& labels);

}  // namespace mien::jobs
