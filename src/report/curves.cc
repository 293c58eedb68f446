#include "report/curves.h"

#include <algorithm>
#include <cmath>

namespace mien::report {

ProbabilityCurves::ProbabilityCurves(const std::vector<std::string>& labels) {
  if (labels.size() > kMaxLabels) return;
  for (const std::string& label : labels) indices_.emplace(label, indices_.size());
}

void ProbabilityCurves::widen() {
  bin_us_ *= 2;
  for (auto& [id, bins] : tracks_) {
    std::map<std::size_t, Bin> merged;
    for (auto& [index, bin] : bins) {
      Bin& into = merged[index / 2];
      into.count += bin.count;
      into.sums.resize(indices_.size());
      for (std::size_t i = 0; i < bin.sums.size(); ++i) into.sums[i] += bin.sums[i];
    }
    bins = std::move(merged);
  }
}

void ProbabilityCurves::add(const pipeline::FrameResult& frame) {
  if (indices_.empty() || frame.timestamp_us < 0) return;
  while (static_cast<std::size_t>(frame.timestamp_us / bin_us_) >= kBins) widen();
  for (const engine::FaceResult& face : frame.faces) {
    const std::int64_t id = face.face.track;
    if (id < 0 || (tracks_.size() >= kMaxTracks && !tracks_.contains(id))) continue;
    Bin& bin = tracks_[id][static_cast<std::size_t>(frame.timestamp_us / bin_us_)];
    bin.sums.resize(indices_.size());
    ++bin.count;
    for (const engine::LabelScore& score : face.labels) {
      const auto index = indices_.find(score.label);
      if (index != indices_.end() && std::isfinite(score.probability)) {
        bin.sums[index->second] += score.probability;
      }
    }
  }
}

std::vector<ProbabilityCurves::Point> ProbabilityCurves::curve(std::int64_t track,
                                                               std::size_t label) const {
  std::vector<Point> out;
  const auto it = tracks_.find(track);
  if (it == tracks_.end() || label >= indices_.size()) return out;
  for (const auto& [index, bin] : it->second) {
    if (bin.count == 0) continue;
    out.push_back({(static_cast<double>(index) + 0.5) * step(),
                   static_cast<double>(bin.sums[label]) / bin.count});
  }
  return out;
}

}  // namespace mien::report
