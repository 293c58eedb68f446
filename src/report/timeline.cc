#include "report/timeline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace mien::report {
namespace {

constexpr std::int64_t kMaxTimeUs = std::int64_t{1} << 50;  // 35 years; keeps sums from overflowing
constexpr std::size_t kMaxDropped = 65'536;
constexpr double kIntensitySteps = 254;

std::uint8_t intensity_of(const engine::FaceResult& face) {
  if (!face.intensity || !std::isfinite(*face.intensity)) return 0;
  const double share = std::clamp(static_cast<double>(*face.intensity), 0.0, 1.0);
  return static_cast<std::uint8_t>(1 + std::lround(kIntensitySteps * share));
}

}  // namespace

void ClipTimeline::vote(Bin& bin, int label, std::uint16_t weight) {
  if (bin.label == label) {
    const unsigned sum = unsigned{bin.lead} + weight;
    bin.lead = static_cast<std::uint16_t>(std::min<unsigned>(sum, 0xFFFF));
  } else if (bin.lead >= weight) {
    bin.lead = static_cast<std::uint16_t>(bin.lead - weight);
  } else {
    bin.label = static_cast<std::int16_t>(label);
    bin.lead = static_cast<std::uint16_t>(weight - bin.lead);
  }
}

void ClipTimeline::halve(Track& track) {
  const std::size_t first = track.first_bin / 2;
  const std::size_t last = (track.first_bin + track.bins.size() - 1) / 2;
  std::vector<Bin> merged(last - first + 1);
  for (std::size_t i = 0; i < track.bins.size(); ++i) {
    const Bin& old = track.bins[i];
    Bin& bin = merged[(track.first_bin + i) / 2 - first];
    if (old.label == kAbsent) continue;
    const std::uint8_t intensity = std::max(bin.intensity, old.intensity);
    if (bin.label == kAbsent) {
      bin = old;
    } else {
      vote(bin, old.label, old.lead);
    }
    bin.intensity = intensity;
  }
  track.first_bin = first;
  track.bins = std::move(merged);
}

void ClipTimeline::widen_until(std::int64_t time_us) {
  while (static_cast<std::size_t>(time_us / bin_us_) >= kBins) {
    bin_us_ *= 2;
    for (auto& [id, track] : tracks_) halve(track);
  }
}

std::size_t ClipTimeline::bin_of(std::int64_t time_us) const {
  const auto bin =
      static_cast<std::size_t>(std::clamp<std::int64_t>(time_us, 0, kMaxTimeUs) / bin_us_);
  return std::min(bin, kBins - 1);
}

int ClipTimeline::label_index(const engine::FaceResult& face) {
  if (face.steady ? face.steady->unknown : face.unknown) return kUnknown;
  const auto& labels = face.steady ? face.steady->labels : face.labels;
  if (labels.empty()) return kUnknown;
  const std::string& name = labels.front().label;
  if (const auto it = label_numbers_.find(name); it != label_numbers_.end()) return it->second;
  if (labels_.size() >= kMaxLabels) return static_cast<int>(kMaxLabels) - 1;
  const int index = static_cast<int>(labels_.size());
  labels_.push_back(labels_.size() + 1 == kMaxLabels ? "other" : name);
  label_numbers_.emplace(name, index);
  return index;
}

void ClipTimeline::vote_at(Track& track, std::size_t bin, int label, std::uint8_t intensity) {
  if (track.bins.empty()) track.first_bin = bin;
  if (bin < track.first_bin) return;  // time went backwards
  if (bin - track.first_bin >= track.bins.size()) track.bins.resize(bin - track.first_bin + 1);
  Bin& slot = track.bins[bin - track.first_bin];
  if (slot.label == kAbsent) {
    slot = {static_cast<std::int16_t>(label), 1, 0};
  } else {
    vote(slot, label, 1);
  }
  slot.intensity = std::max(slot.intensity, intensity);
}

void ClipTimeline::add(const pipeline::FrameResult& frame) {
  const std::int64_t now = std::clamp<std::int64_t>(frame.timestamp_us, 0, kMaxTimeUs);
  widen_until(now);
  const std::size_t bin = bin_of(now);
  const std::int64_t held = steps_.next(std::max(now, end_us_));
  for (auto& [id, track] : tracks_) {
    if (track.last_frame + 1 == frames_) track.end_us = track.last_us + held;
  }
  for (const engine::FaceResult& face : frame.faces) {
    if (label_set_.empty() && !face.labels.empty()) {
      for (const engine::LabelScore& score : face.labels) label_set_.push_back(score.label);
      std::sort(label_set_.begin(), label_set_.end());
    }
    const std::int64_t id = face.face.track;
    if (id < 0) continue;
    auto it = tracks_.find(id);
    if (it == tracks_.end()) {
      if (tracks_.size() >= kMaxTracks) {
        if (dropped_.size() < kMaxDropped) dropped_[id] = true;
        continue;
      }
      it = tracks_.emplace(id, Track{}).first;
    }
    Track& track = it->second;
    const int label = label_index(face);
    const std::uint8_t intensity = intensity_of(face);
    if (track.last_frame >= 0) {  // visible until its frame ended, or until now
      const bool all = face.steady ? face.steady->continues : now <= track.end_us;
      const std::size_t end = all ? bin : std::min(bin, bin_of(track.end_us));
      for (std::size_t b = bin_of(track.last_us) + 1; b < end; ++b) {
        vote_at(track, b, track.last_label, intensity);
      }
    }
    vote_at(track, bin, label, intensity);
    track.last_us = now;
    track.last_label = label;
    track.last_frame = frames_;
  }
  end_us_ = std::max(end_us_, now);
  ++frames_;
}

std::vector<std::int64_t> ClipTimeline::tracks() const {
  std::vector<std::int64_t> out;
  out.reserve(tracks_.size());
  for (const auto& [id, track] : tracks_) out.push_back(id);
  return out;
}

int ClipTimeline::label_at(std::int64_t track, std::int64_t from_us, std::int64_t to_us) const {
  const auto it = tracks_.find(track);
  if (it == tracks_.end() || it->second.bins.empty() || to_us <= 0 || from_us >= to_us) {
    return kAbsent;
  }
  const Track& t = it->second;
  const std::size_t first = bin_of(from_us);
  const std::size_t last = bin_of(to_us - 1);
  std::map<int, std::uint64_t> votes;
  for (std::size_t b = std::max(first, t.first_bin); b <= last; ++b) {
    if (b - t.first_bin >= t.bins.size()) break;
    const Bin& bin = t.bins[b - t.first_bin];
    if (bin.label != kAbsent) votes[bin.label] += bin.lead + std::uint64_t{1};
  }
  int best = kAbsent;
  std::uint64_t most = 0;
  for (const auto& [label, count] : votes) {
    if (count > most) {
      best = label;
      most = count;
    }
  }
  return best;
}

std::optional<double> ClipTimeline::intensity_at(std::int64_t track, std::int64_t from_us,
                                                 std::int64_t to_us) const {
  const auto it = tracks_.find(track);
  if (it == tracks_.end() || to_us <= 0 || from_us >= to_us) return std::nullopt;
  const Track& t = it->second;
  std::uint8_t most = 0;
  const std::size_t last = bin_of(to_us - 1);
  for (std::size_t b = std::max(bin_of(from_us), t.first_bin); b <= last; ++b) {
    if (b - t.first_bin >= t.bins.size()) break;
    most = std::max(most, t.bins[b - t.first_bin].intensity);
  }
  if (most == 0) return std::nullopt;
  return (most - 1) / kIntensitySteps;
}

bool ClipTimeline::is_current(std::int64_t track) const {
  const auto it = tracks_.find(track);
  return it != tracks_.end() && it->second.last_frame + 1 == frames_;
}

}  // namespace mien::report
