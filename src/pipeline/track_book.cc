#include "pipeline/track_book.h"

#include "kernels/ops.h"

namespace mien::pipeline {

Status TrackBook::add_kept(const FrameKeeper& kept, Entry& to, engine::Session& session) const {
  MIEN_ASSIGN_OR_RETURN(const engine::ClipPlan plan, reader_.plan(kept.kept(), kept.step()));
  std::vector<float> rows;
  for (const std::int64_t frame : plan.frames) {
    const auto row = kept.row(frame);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  MIEN_ASSIGN_OR_RETURN(const engine::ClipReading reading,
                        reader_.read(plan, rows.data(), session));
  const auto seen = static_cast<double>(kept.seen());
  for (std::size_t i = 0; i < reading.embedding.size(); ++i) {
    to.sum[i] += seen * static_cast<double>(reading.embedding[i]);
  }
  for (std::size_t t = 0; t < reading.values.size(); ++t) {
    to.values[t] += seen * static_cast<double>(reading.values[t]);
  }
  return {};
}

// Folds the frames of one track into one embedding, weighted by their number.
Status TrackBook::fold_oldest(std::int64_t except, engine::Session& session) {
  Entry* oldest = nullptr;
  for (auto& [track, entry] : tracks_) {
    const bool has_rows = entry.kept && track != except;
    if (has_rows && (oldest == nullptr || entry.to_us < oldest->to_us)) oldest = &entry;
  }
  if (oldest == nullptr) return {};
  MIEN_RETURN_IF_ERROR(add_kept(*oldest->kept, *oldest, session));
  rows_ -= oldest->kept->kept();
  oldest->kept.reset();
  return {};
}

Status TrackBook::add(std::int64_t track, std::int64_t timestamp_us,
                      std::span<const float> embedding, engine::Session& session) {
  Entry& entry = tracks_[track];
  if (entry.frames == 0) {
    entry.from_us = timestamp_us;
    entry.sum.assign(embedding.size(), 0.0);
    entry.values.assign(reader_.target_names().size(), 0.0);
  }
  entry.to_us = timestamp_us;
  ++entry.frames;
  if (reader_.aggregate() == engine::Aggregate::kMean) {
    for (std::size_t i = 0; i < embedding.size(); ++i) {
      entry.sum[i] += static_cast<double>(embedding[i]);
    }
    return {};
  }
  if (!entry.kept) entry.kept.emplace(embedding.size(), kRowsPerTrack);
  rows_ -= entry.kept->kept();
  entry.kept->add(embedding);
  rows_ += entry.kept->kept();
  return rows_ > rows_in_all_ ? fold_oldest(track, session) : Status();
}

Result<std::vector<TrackResult>> TrackBook::results(const std::string& input,
                                                    const engine::LabelScorer* scorer) const {
  std::vector<TrackResult> out;
  engine::Session session;
  for (const auto& [track, entry] : tracks_) {
    const auto frames = static_cast<double>(entry.frames);
    const auto mean = [frames](const std::vector<double>& sum) {
      std::vector<float> row(sum.size());
      for (std::size_t i = 0; i < sum.size(); ++i) {
        row[i] = static_cast<float>(sum[i] / frames);
      }
      return row;
    };
    Entry whole;
    whole.sum = entry.sum;
    whole.values = entry.values;
    if (entry.kept) MIEN_RETURN_IF_ERROR(add_kept(*entry.kept, whole, session));
    std::vector<float> unit = mean(whole.sum);
    std::vector<float> values = mean(whole.values);
    if (reader_.aggregate() == engine::Aggregate::kMean) {
      MIEN_ASSIGN_OR_RETURN(values, reader_.values(unit.data(), session));
    }
    const double length =
        reader_.aggregate() == engine::Aggregate::kMean ? engine::length_of(unit) : 1;
    kernels::l2_normalize_rows(unit.data(), 1, static_cast<std::int64_t>(unit.size()));
    TrackResult row;
    row.input = input;
    row.track = track;
    row.from_us = entry.from_us;
    row.to_us = entry.to_us;
    row.frames = entry.frames;
    row.aggregate = reader_.aggregate();
    row.values = reader_.named(values);
    if (scorer != nullptr) {
      engine::Scores scores = scorer->score(unit, length);
      row.labels = std::move(scores.labels);
      row.unknown = scores.unknown;
      row.reasons = std::move(scores.reasons);
    }
    out.push_back(std::move(row));
  }
  return out;
}

void TrackBook::clear() {
  tracks_.clear();
  rows_ = 0;
}

}  // namespace mien::pipeline
