#include "pipeline/track_book.h"

#include "mien/kernels/ops.h"

namespace mien::pipeline {

Status TrackBook::read(const FrameKeeper& kept, std::vector<float>& out,
                       engine::Session& session) const {
  MIEN_ASSIGN_OR_RETURN(const engine::ClipPlan plan, reader_.plan(kept.kept(), kept.step()));
  std::vector<float> rows;
  for (const std::int64_t frame : plan.frames) {
    const auto row = kept.row(frame);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  return reader_.read(plan, rows.data(), out.data(), session);
}

// The frames of one track become one embedding, which counts as many times as there were frames.
Status TrackBook::fold_oldest(std::int64_t except, engine::Session& session) {
  Entry* oldest = nullptr;
  for (auto& [track, entry] : tracks_) {
    const bool has_rows = entry.kept && track != except;
    if (has_rows && (oldest == nullptr || entry.to_us < oldest->to_us)) oldest = &entry;
  }
  if (oldest == nullptr) return {};
  std::vector<float> unit(oldest->sum.size());
  MIEN_RETURN_IF_ERROR(read(*oldest->kept, unit, session));
  for (std::size_t i = 0; i < unit.size(); ++i) {
    oldest->sum[i] += static_cast<double>(oldest->kept->seen()) * static_cast<double>(unit[i]);
  }
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
    std::vector<double> sum = entry.sum;
    if (entry.kept) {
      std::vector<float> unit(sum.size());
      MIEN_RETURN_IF_ERROR(read(*entry.kept, unit, session));
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += static_cast<double>(entry.kept->seen()) * static_cast<double>(unit[i]);
      }
    }
    std::vector<float> unit(sum.size());
    for (std::size_t i = 0; i < sum.size(); ++i) {
      unit[i] = static_cast<float>(sum[i] / static_cast<double>(entry.frames));
    }
    kernels::l2_normalize_rows(unit.data(), 1, static_cast<std::int64_t>(unit.size()));
    TrackResult row;
    row.input = input;
    row.track = track;
    row.from_us = entry.from_us;
    row.to_us = entry.to_us;
    row.frames = entry.frames;
    row.aggregate = reader_.aggregate();
    if (scorer != nullptr) {
      engine::Scores scores = scorer->score(unit);
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
