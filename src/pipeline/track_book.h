#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/pipeline/result.h"
#include "pipeline/frame_keeper.h"

namespace mien::pipeline {

/// Keeps the data of every track until its answer is requested. With a temporal model: its frame
/// embeddings (at most kRowsPerTrack, see FrameKeeper); when all tracks together hold more than
/// kRowsInAll, those of the track that has not been seen for the longest time are folded into one
/// clip embedding. Without one: the running mean. Threads: not thread-safe.
class TrackBook {
 public:
  static constexpr std::int64_t kRowsPerTrack = 512;
  static constexpr std::int64_t kRowsInAll = 32768;

  /// `reader` must outlive the book.
  explicit TrackBook(const engine::ClipReader& reader, std::int64_t rows_in_all = kRowsInAll)
      : reader_(reader), rows_in_all_(rows_in_all) {}

  /// Errors: those of the temporal model.
  Status add(std::int64_t track, std::int64_t timestamp_us, std::span<const float> embedding,
             engine::Session& session);
  /// The embedding of every track, of unit length, and its scores (nullptr: no scores). Errors:
  /// those of the temporal model.
  Result<std::vector<TrackResult>> results(const std::string& input,
                                           const engine::LabelScorer* scorer) const;
  std::int64_t rows() const { return rows_; }
  void clear();

 private:
  struct Entry {
    std::int64_t from_us = 0;
    std::int64_t to_us = 0;
    std::int64_t frames = 0;
    std::vector<double> sum;          // of frames, or folded parts times their frames
    std::vector<double> values;       // of a regression head: folded parts times their frames
    std::optional<FrameKeeper> kept;  // with a temporal model
  };

  /// Adds the embedding of the frames of an entry to its sums, weighted by their number.
  Status add_kept(const FrameKeeper& kept, Entry& to, engine::Session& session) const;
  Status fold_oldest(std::int64_t except, engine::Session& session);

  const engine::ClipReader& reader_;
  std::int64_t rows_in_all_;
  std::int64_t rows_ = 0;
  std::map<std::int64_t, Entry> tracks_;
};

}  // namespace mien::pipeline
