#include "mien/pipeline/segments.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "mien/core/status.h"

namespace mien::pipeline {
namespace {

constexpr std::int64_t kMaxTimeUs = std::int64_t{1} << 50;  // 35 years; keeps sums from overflowing
constexpr std::int64_t kUsualStepUs = 40'000;
constexpr std::int64_t kShortestGapUs = 1'000'000;
constexpr double kClearly = 1.1;  // a label must lead the previous one by this factor to take over
constexpr double kUnknownMargin = 0.05;  // hysteresis of the share of unknown around one half
constexpr std::size_t kSteadyLabels = 10;

const std::string& unknown_name() {
  static const std::string name = "unknown";
  return name;
}

double weight_of(std::int64_t held_us) {
  return static_cast<double>(std::max<std::int64_t>(held_us, 1));
}

int best_of(const std::vector<double>& sums) {
  if (sums.empty()) return Segment::kUnknown;
  return static_cast<int>(std::max_element(sums.begin(), sums.end()) - sums.begin());
}

}  // namespace

std::int64_t FrameSteps::next(std::int64_t now_us) {
  const std::int64_t step = now_us - std::exchange(last_us_, now_us);
  if (!std::exchange(begun_, true)) return 0;
  const bool gap = count_ > 0 && step > std::max(kShortestGapUs, 4 * usual());
  const std::int64_t held = gap ? usual() : step;
  if (step > 0) steps_[count_++ % steps_.size()] = step;
  return held;
}

std::int64_t FrameSteps::usual() const {
  const std::size_t n = std::min(count_, steps_.size());
  if (n == 0) return kUsualStepUs;
  auto sorted = steps_;
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(n / 2);
  std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(n));
  return *middle;
}

LabelSegments::LabelSegments(std::vector<std::string> labels, double smooth_seconds, Use use)
    : labels_(std::move(labels)), use_(use) {
  for (std::size_t i = 0; i < labels_.size(); ++i) indices_.emplace(labels_[i], i);
  if (std::isfinite(smooth_seconds) && smooth_seconds > 0) {
    window_us_ = static_cast<std::int64_t>(std::min(smooth_seconds, 3600.0) * 1e6);
  }
}

const std::string& LabelSegments::name(int label) const {
  const auto index = static_cast<std::size_t>(label);
  return label >= 0 && index < labels_.size() ? labels_[index] : unknown_name();
}

LabelSegments::Entry LabelSegments::entry_of(const engine::FaceResult& face,
                                             std::int64_t now_us) const {
  Entry entry{.time_us = now_us,
              .frame = frames_,
              .unknown = face.unknown || face.labels.empty() || labels_.empty()};
  entry.probabilities.resize(labels_.size());
  for (const engine::LabelScore& score : face.labels) {
    const auto index = indices_.find(score.label);
    if (index != indices_.end() && std::isfinite(score.probability)) {
      entry.probabilities[index->second] = score.probability;
    }
  }
  return entry;
}

void LabelSegments::add(const FrameResult& frame) {
  std::int64_t now = std::clamp<std::int64_t>(frame.timestamp_us, 0, kMaxTimeUs);
  if (frames_ == 0) begin_us_ = now;
  now = std::max(now, last_us_);  // time never goes backwards
  const std::int64_t held = steps_.next(now);
  for (auto& [id, run] : open_) {
    Entry& last = run.entries.back();
    if (last.frame == frames_ - 1) last.held_us = held;
  }
  const auto end_of = [](const Run& run) {
    return run.entries.back().time_us + run.entries.back().held_us;
  };
  Pending pending;
  for (std::size_t i = 0; i < frame.faces.size(); ++i) {
    const std::int64_t id = frame.faces[i].face.track;
    if (id < 0) continue;
    Run& run = open_[id];
    if (!run.entries.empty() && run.entries.back().frame == frames_)
      continue;  // the track is in this frame twice
    if (!run.entries.empty() && now - end_of(run) > window_us_) {
      advance(id, run, now, true);
      run = Run();
    }
    const bool continues = !run.entries.empty();
    run.entries.push_back(entry_of(frame.faces[i], now));
    run.entries.back().face = i;
    run.entries.back().continues = continues;
    ++pending.open;
  }
  if (use_ != Use::kSegments) pending_.push_back(std::move(pending));
  for (auto it = open_.begin(); it != open_.end();) {
    Run& run = it->second;
    const bool gone = run.entries.back().frame != frames_ && now - end_of(run) >= window_us_;
    advance(it->first, run, now, gone);
    it = gone ? open_.erase(it) : std::next(it);
  }
  last_us_ = now;
  ++frames_;
}

void LabelSegments::finish() {
  finished_ = true;
  if (frames_ == 0) return;
  end_us_ = last_us_ + steps_.usual();
  for (auto& [id, run] : open_) {
    if (run.entries.back().frame == frames_ - 1) run.entries.back().held_us = steps_.usual();
    advance(id, run, end_us_, true);
  }
  open_.clear();
}

// Moves the entries of a run through its stages as far as possible; `all`: to the end.
void LabelSegments::advance(std::int64_t id, Run& run, std::int64_t now_us, bool all) {
  const std::int64_t ahead = use_ == Use::kLive ? -1 : window_us_ / 2;
  while (run.smoothed < run.entries.size() &&
         (all || run.entries[run.smoothed].time_us + ahead < now_us)) {
    smooth(run);
  }
  while (run.decided < run.smoothed && decide(run, all)) {
  }
  while (run.booked < run.decided && (all || run.entries[run.booked].frame != frames_)) {
    book(id, run, run.entries[run.booked++]);
  }
  const std::int64_t behind = use_ == Use::kLive ? window_us_ : window_us_ / 2;
  const std::int64_t next = run.smoothed < run.entries.size() ? run.entries[run.smoothed].time_us
                                                              : run.entries.back().time_us;
  while (run.booked > 0 && run.entries.size() > 1 && run.entries.front().time_us < next - behind) {
    run.entries.pop_front();
    --run.smoothed, --run.decided, --run.booked;
  }
}

// The mean over the window of the next entry: centred on it, or for live input only before it.
void LabelSegments::smooth(Run& run) {
  Entry& centre = run.entries[run.smoothed];
  const bool live = use_ == Use::kLive;
  const std::int64_t from = centre.time_us - (live ? window_us_ : window_us_ / 2);
  const std::int64_t to = centre.time_us + (live ? 0 : window_us_ / 2);
  std::vector<double> sums(labels_.size());
  double weight = 0, unknown = 0;
  for (const Entry& entry : run.entries) {
    if (entry.time_us < from) continue;
    if (entry.time_us > to) break;
    const bool lasts = entry.frame == frames_ && live;  // its duration is not known yet
    const double w = weight_of(lasts ? steps_.usual() : entry.held_us);
    weight += w;
    if (entry.unknown) unknown += w;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      sums[i] += w * static_cast<double>(entry.probabilities[i]);
    }
  }
  centre.unknown_share = unknown / weight;
  centre.smooth.resize(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    centre.smooth[i] = static_cast<float>(sums[i] / weight);
  }
  centre.leader = centre.unknown_share > 0.5 ? Segment::kUnknown : best_of(sums);
  ++run.smoothed;
}

bool LabelSegments::leads_clearly(int label, int over, const std::vector<double>& sums,
                                  double unknown, double weight) const {
  if (label == Segment::kUnknown) return unknown >= (0.5 + kUnknownMargin) * weight;
  if (over == Segment::kUnknown) return unknown <= (0.5 - kUnknownMargin) * weight;
  return sums[static_cast<std::size_t>(label)] >= kClearly * sums[static_cast<std::size_t>(over)];
}

// Whether the leader at the next entry takes over from the previous label: it must lead for a
// window from there on, or the previous label leads nowhere in that window and no other label does
// better.
bool LabelSegments::takes_over(const Run& run, bool all) const {
  const Entry& entry = run.entries[run.decided];
  const std::int64_t until = entry.time_us + window_us_;
  std::vector<double> sums(labels_.size());
  double weight = 0, unknown = 0;
  bool always = true, never = true;
  std::int64_t end = entry.time_us;
  for (std::size_t i = run.decided; i < run.smoothed && run.entries[i].time_us < until; ++i) {
    const Entry& e = run.entries[i];
    const double w = weight_of(e.held_us);
    weight += w;
    unknown += w * e.unknown_share;
    for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += w * static_cast<double>(e.smooth[k]);
    always = always && e.leader == entry.leader;
    never = never && e.leader != run.label;
    end = e.time_us + e.held_us;
  }
  const bool more = run.decided + 1 < run.entries.size() && run.entries.back().time_us >= until;
  if (end < until && all && !more) return false;  // too short for a segment
  if (!leads_clearly(entry.leader, run.label, sums, unknown, weight)) return false;
  const int best = 2 * unknown > weight ? Segment::kUnknown : best_of(sums);
  return always || (never && best == entry.leader && entry.time_us - run.since_us >= window_us_);
}

// Decides the next entry; false if later entries are needed first. `all`: there are none.
bool LabelSegments::decide(Run& run, bool all) {
  Entry& entry = run.entries[run.decided];
  const std::int64_t until = entry.time_us + window_us_;
  const Entry& last = run.entries.back();
  const bool reaches = last.time_us + last.held_us >= until;  // the face may disappear earlier
  const bool covered = all || (reaches && (run.smoothed == run.entries.size() ||
                                           run.entries[run.smoothed].time_us >= until));
  const bool at_once = window_us_ == 0 || (use_ == Use::kLive && !run.begun);
  int label = run.label;
  if (at_once) {
    label = entry.leader;
  } else if (use_ == Use::kLive) {
    const std::vector<double> sums(entry.smooth.begin(), entry.smooth.end());
    const bool may = entry.leader != run.label && entry.time_us - run.since_us >= window_us_;
    if (may && leads_clearly(entry.leader, run.label, sums, entry.unknown_share, 1)) {
      label = entry.leader;
    }
  } else if (!run.begun) {  // the leader over the first window
    if (!covered) return false;
    std::vector<double> sums(labels_.size());
    double weight = 0, unknown = 0;
    for (std::size_t i = run.decided; i < run.smoothed && run.entries[i].time_us < until; ++i) {
      const double w = weight_of(run.entries[i].held_us);
      weight += w;
      unknown += w * run.entries[i].unknown_share;
      for (std::size_t k = 0; k < sums.size(); ++k) {
        sums[k] += w * static_cast<double>(run.entries[i].smooth[k]);
      }
    }
    label = 2 * unknown > weight ? Segment::kUnknown : best_of(sums);
  } else if (entry.leader != run.label) {
    if (!covered) return false;
    if (takes_over(run, all)) label = entry.leader;
  }
  if (label != run.label) run.since_us = entry.time_us;
  // The first answer for a live frame depends on that frame alone and may change immediately.
  if (!run.begun) run.since_us = entry.time_us - (use_ == Use::kLive ? window_us_ : 0);
  run.begun = true;
  run.label = entry.label = label;
  ++run.decided;
  answer(entry);
  return true;
}

void LabelSegments::extend(SegmentTrack& track, Run& run, std::int64_t to_us) {
  const std::size_t index =
      run.written < 0 ? labels_.size() : static_cast<std::size_t>(run.written);
  track.seconds[index] += static_cast<double>(to_us - run.cursor_us) / 1e6;
  run.cursor_us = to_us;
  if (!run.left_out) track.segments.back().to_us = to_us;
}

// Adds a decided entry to the segments of its track.
void LabelSegments::book(std::int64_t id, Run& run, const Entry& entry) {
  SegmentTrack& track = tracks_[id];
  track.id = id;
  track.seconds.resize(labels_.size() + 1);
  if (run.writing && entry.time_us > run.cursor_us) extend(track, run, entry.time_us);
  if (!run.writing || entry.label != run.written) {
    const bool empty = run.writing && !run.left_out && !track.segments.empty() &&
                       track.segments.back().from_us == track.segments.back().to_us;
    if (empty) {
      track.segments.pop_back();
      --segments_;
    }
    run.writing = true;
    run.written = entry.label;
    run.cursor_us = entry.time_us;
    run.weight = run.means_weight = 0;
    run.left_out = segments_ >= kMaxSegments;
    if (run.left_out) {
      ++track.left_out;
    } else {
      track.segments.push_back({entry.time_us, entry.time_us, entry.label, 0});
      ++segments_;
    }
  }
  extend(track, run, entry.time_us + entry.held_us);
  if (baseline_.enabled()) book_means(id, run, entry);
  if (entry.label < 0 || run.left_out) return;
  const double w = weight_of(entry.held_us);
  run.weight += w;
  Segment& segment = track.segments.back();
  const auto p = static_cast<double>(entry.probabilities[static_cast<std::size_t>(entry.label)]);
  segment.probability += (p - segment.probability) * w / run.weight;
}

// Updates the baseline and the change of the segment. Must run before the segment's weight grows.
void LabelSegments::book_means(std::int64_t id, Run& run, const Entry& entry) {
  baselines_[id].add(baseline_, entry.time_us, entry.held_us, entry.probabilities);
  SegmentTrack& track = tracks_[id];
  const double w = weight_of(entry.held_us);
  track.weight += w;
  track.means.resize(labels_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const auto p = static_cast<double>(entry.probabilities[i]);
    track.means[i] += (p - track.means[i]) * w / track.weight;
  }
  if (run.left_out) return;
  run.means_weight += w;
  auto& means = track.segments.back().means;
  means.resize(labels_.size());
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    means[i] += (entry.probabilities[i] - means[i]) * static_cast<float>(w / run.means_weight);
  }
}

bool LabelSegments::baseline_settled() {
  if (settled_ || !baseline_.enabled()) return true;
  const bool interval = baseline_.from == Baseline::From::kInterval;
  if (!finished_ && (!interval || last_us_ < baseline_.to_us)) return false;
  for (const auto& [id, run] : open_) {
    const bool open =
        run.booked < run.entries.size() && run.entries[run.booked].time_us < baseline_.to_us;
    if (open && !finished_) return false;
  }
  return settled_ = true;
}

void LabelSegments::add_changes(engine::FaceResult& face) {
  if (!baseline_.enabled() || face.labels.empty() || face.face.track < 0) return;
  if (!baseline_settled()) return;
  auto known = known_.find(face.face.track);
  if (known == known_.end()) {
    const auto at = baselines_.find(face.face.track);
    // A track that begins after the baseline interval never gets a baseline.
    known = known_
                .emplace(face.face.track, at == baselines_.end() ? std::vector<float>()
                                                                 : at->second.value(baseline_))
                .first;
  }
  const std::vector<float>& base = known->second;
  if (base.empty()) return;
  const auto change_of = [&](const engine::LabelScore& score) {
    const auto index = indices_.find(score.label);
    return index == indices_.end() ? 0.0F : score.probability - base[index->second];
  };
  for (const auto& score : face.labels) face.change.push_back(change_of(score));
  if (!face.steady) return;
  for (const auto& score : face.steady->labels) face.steady->change.push_back(change_of(score));
}

std::optional<double> SegmentTrack::change_of(const Segment& segment) const {
  const auto index = static_cast<std::size_t>(segment.label);
  if (segment.label < 0 || index >= baseline.size() || index >= segment.means.size()) return {};
  return static_cast<double>(segment.means[index]) - static_cast<double>(baseline[index]);
}

void LabelSegments::answer(const Entry& entry) {
  if (use_ == Use::kSegments) return;
  MIEN_CHECK(entry.frame >= taken_);
  engine::SteadyAnswer out;
  out.unknown = entry.label < 0;
  out.continues = entry.continues;
  std::vector<std::size_t> order(labels_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t shown = std::min(order.size(), kSteadyLabels);
  const auto before = [&](std::size_t a, std::size_t b) {
    const bool first = static_cast<int>(a) == entry.label;
    if (first != (static_cast<int>(b) == entry.label)) return first;
    return entry.smooth[a] != entry.smooth[b] ? entry.smooth[a] > entry.smooth[b] : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown), order.end(),
                    before);
  for (std::size_t i = 0; i < shown; ++i) {
    out.labels.push_back({.label = labels_[order[i]], .probability = entry.smooth[order[i]]});
  }
  Pending& pending = pending_[static_cast<std::size_t>(entry.frame - taken_)];
  pending.answers.emplace_back(entry.face, std::move(out));
  --pending.open;
}

bool LabelSegments::take(FrameResult& frame) {
  if (pending_.empty() || pending_.front().open > 0) return false;
  for (auto& [face, answer] : pending_.front().answers) {
    frame.faces[face].steady = std::move(answer);
    add_changes(frame.faces[face]);
  }
  pending_.pop_front();
  ++taken_;
  return true;
}

void LabelSegments::settle_oldest() {
  for (auto& [id, run] : open_) {
    while (run.decided < run.entries.size() && run.entries[run.decided].frame <= taken_) {
      if (run.smoothed == run.decided) smooth(run);
      (void)decide(run, true);
    }
  }
}

namespace {

double difference(const std::vector<float>& means, const std::vector<float>& base, int label) {
  const auto index = static_cast<std::size_t>(label);
  if (label < 0 || index >= means.size() || index >= base.size()) return 0;
  return static_cast<double>(means[index]) - static_cast<double>(base[index]);
}

int most_risen(const std::vector<float>& means, const std::vector<float>& base) {
  int best = Segment::kUnknown;
  for (int i = 0; i < static_cast<int>(means.size()); ++i) {
    if (best < 0 || difference(means, base, i) > difference(means, base, best)) best = i;
  }
  return best;
}

}  // namespace

std::vector<SegmentTrack> LabelSegments::tracks() const {
  std::vector<SegmentTrack> out;
  for (const auto& [id, track] : tracks_) {
    out.push_back(track);
    if (const auto at = baselines_.find(id); at != baselines_.end()) {
      out.back().baseline = at->second.value(baseline_);
      out.back().baseline_seconds = at->second.seconds();
    }
    auto& segments = out.back().segments;
    std::erase_if(segments, [](const Segment& s) { return s.from_us == s.to_us; });
  }
  return out;
}

void add_segments(const LabelSegments& segments, std::vector<TrackResult>& tracks) {
  const std::vector<SegmentTrack> all = segments.tracks();
  for (TrackResult& track : tracks) {
    const auto at = std::find_if(all.begin(), all.end(),
                                 [&](const SegmentTrack& one) { return one.id == track.track; });
    if (at == all.end() || segments.labels().empty()) continue;
    const double sum = std::accumulate(at->seconds.begin(), at->seconds.end(), 0.0);
    for (std::size_t i = 0; i < at->seconds.size(); ++i) {
      const bool unknown = i == segments.labels().size();
      track.shares.push_back({.label = segments.name(unknown ? -1 : static_cast<int>(i)),
                              .unknown = unknown,
                              .seconds = at->seconds[i],
                              .share = sum > 0 ? at->seconds[i] / sum : 0});
    }
    std::stable_sort(track.shares.begin(), track.shares.end() - 1,
                     [](const LabelTime& a, const LabelTime& b) { return a.seconds > b.seconds; });
    for (const Segment& s : at->segments) {
      track.segments.push_back({.from_us = s.from_us,
                                .to_us = s.to_us,
                                .label = segments.name(s.label),
                                .unknown = s.label < 0,
                                .probability = s.probability,
                                .change = at->change_of(s)});
      if (at->baseline.empty()) continue;
      const int risen = most_risen(s.means, at->baseline);
      track.segments.back().risen = segments.name(risen);
      track.segments.back().risen_by = difference(s.means, at->baseline, risen);
    }
    track.segments_left_out = at->left_out;
    if (!segments.has_baseline()) continue;
    track.baseline.emplace().seconds = at->baseline_seconds;
    for (std::size_t i = 0; i < at->baseline.size(); ++i) {
      const auto base = static_cast<double>(at->baseline[i]);
      track.baseline->labels.push_back({.label = segments.name(static_cast<int>(i)),
                                        .baseline = base,
                                        .mean = at->means[i],
                                        .change = at->means[i] - base});
    }
  }
}

}  // namespace mien::pipeline
