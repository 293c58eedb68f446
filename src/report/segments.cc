#include "mien/report/segments.h"

#include <algorithm>
#include <cmath>

namespace mien::report {
namespace {

constexpr std::int64_t kMaxSegmentUs = std::int64_t{1}
                                       << 50;  // 35 years; keeps sums from overflowing

const std::string& unknown_name() {
  static const std::string name = "unknown";
  return name;
}

// Stretches shorter than `shortest` go to the one before, the first one to the one after; then
// neighbours of one label become one.
std::vector<Segment> without_short(const std::vector<Segment>& segments, std::int64_t shortest) {
  std::vector<Segment> out;
  std::int64_t waiting_from = -1;  // start of short ones that have none before
  for (const Segment& segment : segments) {
    const bool is_short = segment.to_us - segment.from_us < shortest;
    if (is_short && !out.empty()) {
      out.back().to_us = segment.to_us;
    } else if (is_short && segments.size() > 1 && &segment != &segments.back()) {
      if (waiting_from < 0) waiting_from = segment.from_us;
    } else if (!out.empty() && out.back().label == segment.label) {
      const auto a = static_cast<double>(out.back().to_us - out.back().from_us);
      const auto b = static_cast<double>(segment.to_us - segment.from_us);
      if (a + b > 0) {
        out.back().probability = (out.back().probability * a + segment.probability * b) / (a + b);
      }
      out.back().to_us = segment.to_us;
    } else {
      out.push_back(segment);
      if (waiting_from >= 0) out.back().from_us = waiting_from;
      waiting_from = -1;
    }
  }
  return out;
}

}  // namespace

LabelSegments::LabelSegments(std::vector<std::string> labels, double smooth_seconds)
    : labels_(std::move(labels)) {
  for (std::size_t i = 0; i < labels_.size(); ++i) places_.emplace(labels_[i], i);
  if (std::isfinite(smooth_seconds) && smooth_seconds > 0) {
    window_us_ = static_cast<std::int64_t>(std::min(smooth_seconds, 3600.0) * 1e6);
  }
}

const std::string& LabelSegments::name(int label) const {
  const auto place = static_cast<std::size_t>(label);
  return label >= 0 && place < labels_.size() ? labels_[place] : unknown_name();
}

void LabelSegments::add(const pipeline::FrameResult& frame) {
  std::int64_t now = std::clamp<std::int64_t>(frame.timestamp_us, 0, kMaxSegmentUs);
  if (frames_ == 0) begin_us_ = now;
  now = std::max(now, last_us_);  // time that goes backwards stands still
  if (frames_ > 0 && now > last_us_) step_us_ = now - last_us_;
  for (auto it = open_.begin(); it != open_.end();) {
    const bool goes_on = std::any_of(frame.faces.begin(), frame.faces.end(), [&](const auto& face) {
      return face.face.track == it->first;
    });
    if (!goes_on) close(it->first, it->second, now);
    it = goes_on ? std::next(it) : open_.erase(it);
  }
  for (const engine::FaceResult& face : frame.faces) {
    if (face.face.track < 0) continue;
    Run& run = open_[face.face.track];
    if (run.last_frame == frames_) continue;  // one face twice in a frame
    run.last_frame = frames_;
    Entry entry{.time_us = now, .unknown = face.unknown || face.labels.empty()};
    entry.probabilities.resize(labels_.size());
    for (const engine::LabelScore& score : face.labels) {
      const auto place = places_.find(score.label);
      if (place != places_.end() && std::isfinite(score.probability)) {
        entry.probabilities[place->second] = score.probability;
      }
    }
    run.window.push_back(std::move(entry));
    decide(run, false);
  }
  last_us_ = now;
  ++frames_;
}

// Decides entries whose window is complete: half of it before, half after.
void LabelSegments::decide(Run& run, bool all) const {
  const std::int64_t half = window_us_ / 2;
  while (run.next < run.window.size()) {
    const std::int64_t centre = run.window[run.next].time_us;
    if (!all && run.window.back().time_us <= centre + half) break;
    while (run.window.front().time_us < centre - half) {
      run.window.pop_front();
      --run.next;
    }
    std::vector<double> sum(labels_.size());
    std::size_t count = 0, unknown = 0;
    for (const Entry& entry : run.window) {
      if (entry.time_us > centre + half) break;
      ++count;
      if (entry.unknown) ++unknown;
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += static_cast<double>(entry.probabilities[i]);
      }
    }
    int label = Segment::kUnknown;
    double probability = 0;
    if (2 * unknown <= count && !sum.empty() && !(count == 1 && unknown == 1)) {
      const auto best = std::max_element(sum.begin(), sum.end());
      label = static_cast<int>(best - sum.begin());
      probability = *best / static_cast<double>(count);
    }
    if (run.segments.empty() || run.segments.back().label != label) {
      if (!run.segments.empty()) run.segments.back().to_us = centre;
      run.segments.push_back({centre, centre, label, probability});
      run.frames.push_back(1);
    } else {
      Segment& last = run.segments.back();
      const auto n = static_cast<double>(++run.frames.back());
      last.probability += (probability - last.probability) / n;
    }
    ++run.next;
  }
}

void LabelSegments::close(std::int64_t id, Run& run, std::int64_t end_us) {
  decide(run, true);
  if (run.segments.empty()) return;
  run.segments.back().to_us = end_us;
  std::vector<Segment>& done = done_[id];
  for (const Segment& segment : without_short(run.segments, window_us_)) done.push_back(segment);
}

void LabelSegments::finish() {
  if (frames_ == 0) return;
  end_us_ = last_us_ + step_us_;
  for (auto& [id, run] : open_) close(id, run, end_us_);
  open_.clear();
}

std::vector<SegmentTrack> LabelSegments::tracks() const {
  std::vector<SegmentTrack> out;
  for (const auto& [id, segments] : done_) out.push_back({id, segments});
  return out;
}

}  // namespace mien::report
