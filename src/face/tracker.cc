#include "mien/face/tracker.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "face/assign.h"
#include "face/look.h"

namespace mien::face {
namespace {

// Search.
constexpr double kSearchPixels = 0.55e6;  // a frame is enlarged to at most this, at little cost
constexpr double kMinFace = 60;           // pixels of the smallest face found in any frame ..
constexpr double kMostPixels = 14.8e6;    // .. up to 4K, which is then searched at this many pixels
constexpr double kLocalFace = 104;        // width at which a known face is searched: HOG needs 80
constexpr double kLocalSide = 2.2;        // side of the searched area, in widths of the face
constexpr double kLargestScale = 4;
constexpr int kFineEvery = 3;  // every n-th search of the whole frame includes small faces
constexpr std::int64_t kRareUs = 100'000;  // frames farther apart are all searched for small faces
constexpr std::int64_t kFrameUs = 40'000;  // length of a frame at 25 frames per second
constexpr std::int64_t kSearchPlaceUs =
    700'000;  // after that, only the whole frame is searched for it

// Time.
constexpr int kMostMisses = 100;  // for clips without usable timestamps
constexpr int kFewMisses = 3;     // clips with few frames per second need patience as well
constexpr float kSureGap = 1;     // seconds after which a face must look similar to be the same

// Pairing. Distances are in sides of a face.
constexpr float kSameFace = 0.15F;     // overlap of two detections of one face
constexpr float kReach = 0.5F;         // largest distance, at once ..
constexpr float kReachGrows = 6;       // .. for each second of absence ..
constexpr float kMostReach = 2;        // .. up to this
constexpr float kBeside = 0.9F;        // farther away it may be another person
constexpr float kLateReach = 1;        // after kSureGap
constexpr float kSizeRatio = 0.6F;     // of the natural logarithm of the size ratio
constexpr float kLongestGuess = 0.8F;  // seconds for which a motion is extrapolated
constexpr float kAlike = 0.93F;        // similarity of an area that is the same
constexpr float kDouble = 0.5F;        // overlap of two tracks that follow one face
constexpr float kCutDifference = 32;   // mean change of grey between frames that means a cut

float seconds(std::int64_t us) { return static_cast<float>(us) * 1e-6F; }

float side_of(const image::Box& box) { return std::sqrt(std::max(1e-6F, box.area())); }

image::Point centre_of(const image::Box& box) { return {box.x + box.w / 2, box.y + box.h / 2}; }

/// Between centres, in sides of the faces.
float distance(const image::Box& a, const image::Box& b) {
  const image::Point from = centre_of(a);
  const image::Point to = centre_of(b);
  return std::hypot(to.x - from.x, to.y - from.y) * 2 / (side_of(a) + side_of(b));
}

/// The part of `frame` around `box` in which its face is searched.
struct SearchWindow {
  image::ImageView view;
  float x = 0;
  float y = 0;
  float scale = 1;
};

SearchWindow search_window(image::ImageView frame, const image::Box& box, int misses) {
  const double face = static_cast<double>(std::max(box.w, box.h));
  const double half = 0.5 * face * kLocalSide * (1 + 0.1 * std::min(misses, 5));
  const image::Point centre = centre_of(box);
  const auto clamp = [](double v, int limit) {
    return static_cast<int>(std::clamp(std::round(v), 0.0, static_cast<double>(limit)));
  };
  const int left = clamp(static_cast<double>(centre.x) - half, frame.width);
  const int top = clamp(static_cast<double>(centre.y) - half, frame.height);
  const int right = clamp(static_cast<double>(centre.x) + half, frame.width);
  const int bottom = clamp(static_cast<double>(centre.y) + half, frame.height);
  SearchWindow out;
  out.view = {frame.data + top * frame.stride + 3 * std::ptrdiff_t{left}, right - left,
              bottom - top, frame.stride};
  out.x = static_cast<float>(left);
  out.y = static_cast<float>(top);
  out.scale = static_cast<float>(std::min(kLargestScale, kLocalFace / std::max(1.0, face)));
  return out;
}

/// Whether an inner border of a searched area cuts through a face; another area then shows all of
/// it.
bool cut_off(const image::Box& box, const SearchWindow& window, image::ImageView frame) {
  const int left = static_cast<int>(window.x);
  const int top = static_cast<int>(window.y);
  return (left > 0 && box.x < 1) || (top > 0 && box.y < 1) ||
         (left + window.view.width < frame.width &&
          box.x + box.w > static_cast<float>(window.view.width - 1)) ||
         (top + window.view.height < frame.height &&
          box.y + box.h > static_cast<float>(window.view.height - 1));
}

/// A found box jitters by the detector's grid, so a small change is applied only by half.
image::Box steadied(const image::Box& last, const image::Box& now) {
  if (image::iou(last, now) < 0.6F) return now;
  const auto mix = [](float a, float b, float share) { return a + share * (b - a); };
  const float side = mix(last.w, now.w, 0.5F);
  const float tall = mix(last.h, now.h, 0.5F);
  const float x = mix(last.x + last.w / 2, now.x + now.w / 2, 0.7F);
  const float y = mix(last.y + last.h / 2, now.y + now.h / 2, 0.7F);
  return {x - side / 2, y - tall / 2, side, tall};
}

/// Most certain first, without duplicates: a face may also be found in the area of its neighbour.
void keep_surest(std::vector<Detection>& found) {
  std::stable_sort(found.begin(), found.end(),
                   [](const Detection& a, const Detection& b) { return a.score > b.score; });
  std::vector<Detection> kept;
  for (const Detection& one : found) {
    const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Detection& other) {
      return image::iou(other.box, one.box) > kDouble;
    });
    if (!twice) kept.push_back(one);
  }
  found.swap(kept);
}

}  // namespace

bool Tracker::is_cut(image::ImageView frame) {
  std::vector<float> now = thumbnail_of(frame);
  float change = 0;
  for (std::size_t i = 0; i < thumbnail_.size(); ++i) change += std::abs(now[i] - thumbnail_[i]);
  const auto cells = static_cast<float>(now.size());
  thumbnail_.swap(now);
  return change / cells > kCutDifference;
}

bool Tracker::lost(const Track& track, std::int64_t timestamp_us) const {
  if (track.misses > kMostMisses) return true;
  return track.misses > kFewMisses && timestamp_us - track.seen_us > options_.max_gap_us;
}

/// The expected position of a face: its motion continues for a while.
image::Box Tracker::expected(const Track& track, std::int64_t timestamp_us) const {
  const float time = std::clamp(seconds(timestamp_us - track.seen_us), 0.0F, kLongestGuess);
  return {track.box.x + track.speed_x * time, track.box.y + track.speed_y * time, track.box.w,
          track.box.h};
}

/// Likelihood that a track continues with a face: 0 (not) to 1.
float Tracker::likely(const Track& track, const Detection& face, std::int64_t timestamp_us,
                      image::ImageView frame) const {
  const float gap = std::max(0.0F, seconds(timestamp_us - track.seen_us));
  const image::Box guess = expected(track, timestamp_us);
  // A person who walked may have stopped.
  const float away = std::min(distance(guess, face.box), distance(track.box, face.box));
  const bool late = gap > kSureGap && track.misses > 1;
  const float reach = late ? kLateReach : std::min(kMostReach, kReach + kReachGrows * gap);
  const float ratio = std::abs(std::log(side_of(track.box) / side_of(face.box)));
  const float off = std::max(away / reach, ratio / kSizeRatio);
  if (off >= 1) return 0;
  const bool leap = track.away || late || away > kBeside;
  if (leap && !frame.empty() && best_likeness(track.look, frame, face.box) < kAlike) return 0;
  // Squared: one pair that matches well is worth more than two poor matches.
  return (1 - off) * (1 - off);
}

std::vector<int> Tracker::pair(std::span<const std::size_t> tracks,
                               std::span<const Detection> found, std::int64_t timestamp_us,
                               image::ImageView frame) const {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < tracks.size(); ++i) {
    for (std::size_t j = 0; j < found.size(); ++j) {
      const float gain = likely(tracks_[tracks[i]], found[j], timestamp_us, frame);
      if (gain > 0) pairs.push_back({i, j, gain});
    }
  }
  return face::assign(tracks.size(), pairs);
}

/// Continues `track` with `face`.
void Tracker::take(Track& track, const Detection& face, std::int64_t timestamp_us,
                   image::ImageView frame) {
  const float gap = seconds(timestamp_us - track.seen_us);
  const image::Box box = track.misses > 1 ? face.box : steadied(track.box, face.box);
  if (gap > 0 && gap <= kSureGap && !track.away) {
    const image::Point from = centre_of(track.box);
    const image::Point to = centre_of(box);
    track.speed_x += 0.5F * ((to.x - from.x) / gap - track.speed_x);
    track.speed_y += 0.5F * ((to.y - from.y) / gap - track.speed_y);
  } else {
    track.speed_x = track.speed_y = 0;
  }
  track.box = box;
  track.score = face.score;
  track.points = face.points;
  track.seen_us = timestamp_us;
  track.misses = 0;
  track.away = false;
  if (!frame.empty()) track.look = look_of(frame, box);
}

void Tracker::begin(const Detection& face, std::int64_t timestamp_us, image::ImageView frame) {
  Track track;
  track.id = next_id_++;
  track.box = face.box;
  track.score = face.score;
  track.points = face.points;
  track.seen_us = timestamp_us;
  if (!frame.empty()) track.look = look_of(frame, face.box);
  tracks_.push_back(std::move(track));
}

/// After a cut: a face that is no longer at its old position must be found again, and look similar
/// there.
void Tracker::leave(image::ImageView frame) {
  for (Track& track : tracks_) {
    if (likeness(track.look, look_of(frame, track.box)) < kAlike) track.away = true;
  }
}

Status Tracker::follow(image::ImageView frame, std::int64_t timestamp_us, FaceDetector& detector) {
  std::vector<Detection> found;
  std::vector<std::size_t> followed;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    Track& track = tracks_[i];
    const bool searched = !track.away && (track.misses <= kFewMisses ||
                                          timestamp_us - track.seen_us <= kSearchPlaceUs);
    const SearchWindow window = search_window(frame, expected(track, timestamp_us), track.misses);
    ++track.misses;
    if (!searched || window.view.empty()) continue;
    followed.push_back(i);
    MIEN_ASSIGN_OR_RETURN(
        std::vector<Detection> here,
        detector.detect(window.view, {.scale = window.scale, .min_score = options_.keep_score}));
    for (Detection& one : here) {
      if (cut_off(one.box, window, frame)) continue;
      shift(one, window.x, window.y);
      found.push_back(one);
    }
  }
  keep_surest(found);
  const std::vector<int> partner = pair(followed, found, timestamp_us, frame);
  for (std::size_t i = 0; i < partner.size(); ++i) {
    if (partner[i] < 0) continue;
    take(tracks_[followed[i]], found[static_cast<std::size_t>(partner[i])], timestamp_us, frame);
  }
  return {};
}

void Tracker::merge_doubles() {
  std::vector<Track> kept;
  for (Track& track : tracks_) {  // ordered by id: the older one stays
    const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Track& other) {
      return track.misses == 0 && other.misses == 0 && image::iou(other.box, track.box) > kDouble;
    });
    if (!twice) kept.push_back(std::move(track));
  }
  tracks_.swap(kept);
}

void Tracker::discover(std::span<const Detection> found, std::int64_t timestamp_us,
                       image::ImageView frame) {
  // Faces found around their expected position already keep what they have.
  std::vector<Pair> known;
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < tracks_.size(); ++i) {
    if (tracks_[i].misses > 0) {
      missing.push_back(i);
      continue;
    }
    for (std::size_t j = 0; j < found.size(); ++j) {
      const float overlap = image::iou(tracks_[i].box, found[j].box);
      if (overlap >= kSameFace) known.push_back({i, j, overlap * overlap});
    }
  }
  std::vector<bool> taken(found.size(), false);
  for (const int j : face::assign(tracks_.size(), known)) {
    if (j >= 0) taken[static_cast<std::size_t>(j)] = true;
  }
  std::vector<Detection> rest;
  for (std::size_t j = 0; j < found.size(); ++j) {
    if (!taken[j]) rest.push_back(found[j]);
  }
  const std::vector<int> partner = pair(missing, rest, timestamp_us, frame);
  std::vector<bool> placed(rest.size(), false);
  for (std::size_t i = 0; i < partner.size(); ++i) {
    if (partner[i] < 0) continue;
    const auto j = static_cast<std::size_t>(partner[i]);
    placed[j] = true;
    take(tracks_[missing[i]], rest[j], timestamp_us, frame);
  }
  for (std::size_t j = 0; j < rest.size(); ++j) {
    if (!placed[j]) begin(rest[j], timestamp_us, frame);
  }
}

FramePlan Tracker::plan(image::ImageView frame, std::int64_t frame_index,
                        std::int64_t timestamp_us) {
  FramePlan out;
  if (frame.empty()) return out;
  out.cut = is_cut(frame);
  out.due = out.cut || due_frame_ < 0 || frame_index < due_frame_ ||
            frame_index - due_frame_ >= options_.detect_every ||
            timestamp_us - due_us_ >= options_.detect_every * kFrameUs;
  out.fine = out.due && (out.cut || due_frame_ < 0 || timestamp_us - last_us_ >= kRareUs ||
                         timestamp_us <= last_us_ ||
                         timestamp_us - fine_us_ >= kFineEvery * options_.detect_every * kFrameUs);
  if (out.due) {
    due_frame_ = frame_index;
    due_us_ = timestamp_us;
  }
  if (out.fine) fine_us_ = timestamp_us;
  last_us_ = timestamp_us;
  const bool crowd = crowd_;
  out.search = out.due || crowd;
  out.search_fine = out.fine || crowd;
  return out;
}

DetectOptions Tracker::whole_search(int width, int height, bool fine) const {
  DetectOptions out{.scale = options_.scale, .min_score = options_.min_score};
  if (out.scale > 0) return out;
  const double smallest = static_cast<double>(options_.detector_face);
  if (options_.min_face > 0) {
    out.scale = options_.detector_face / options_.min_face;
    return out;
  }
  const double pixels = std::max(1.0, static_cast<double>(width) * height);
  const double wanted = std::min(smallest / kMinFace, std::sqrt(kMostPixels / pixels));
  const double cheap = std::min(2.0, std::sqrt(kSearchPixels / pixels));
  out.scale = static_cast<float>(fine ? std::max(wanted, cheap) : cheap);
  return out;
}

Result<std::vector<TrackedFace>> Tracker::track(image::ImageView frame, std::int64_t frame_index,
                                                std::int64_t timestamp_us, FaceDetector& detector) {
  return track(frame, timestamp_us, plan(frame, frame_index, timestamp_us), std::nullopt, detector);
}

Result<std::vector<TrackedFace>> Tracker::track(image::ImageView frame, std::int64_t timestamp_us,
                                                const FramePlan& plan,
                                                const std::optional<std::vector<Detection>>& found,
                                                FaceDetector& detector) {
  std::vector<TrackedFace> out;
  if (frame.empty()) return out;
  if (plan.cut) leave(frame);
  DetectOptions whole = whole_search(frame.width, frame.height, true);
  const double search_cost = static_cast<double>(frame.width) * frame.height *
                             static_cast<double>(whole.scale) * static_cast<double>(whole.scale);
  const double local_cost =
      static_cast<double>(tracks_.size()) * std::pow(kLocalFace * kLocalSide, 2);
  const bool crowd = local_cost > search_cost;  // then one search of the whole frame is cheaper
  crowd_ = crowd;
  if (crowd) {
    for (Track& track : tracks_) ++track.misses;
  } else {
    MIEN_RETURN_IF_ERROR(follow(frame, timestamp_us, detector));
  }
  if (plan.due || crowd) {
    whole = whole_search(frame.width, frame.height, plan.fine || crowd);
    const DetectOptions ahead = whole_search(frame.width, frame.height, plan.search_fine);
    if (found && ahead.scale == whole.scale) {
      discover(*found, timestamp_us, frame);
    } else {
      MIEN_ASSIGN_OR_RETURN(const std::vector<Detection> now, detector.detect(frame, whole));
      discover(now, timestamp_us, frame);
    }
  }
  merge_doubles();
  std::erase_if(tracks_, [&](const Track& track) { return lost(track, timestamp_us); });
  for (const Track& track : tracks_) {
    if (track.misses == 0) out.push_back({track.id, track.box, track.score, track.points});
  }
  return out;
}

std::vector<TrackedFace> Tracker::assign(std::span<const Detection> found,
                                         std::int64_t timestamp_us, image::ImageView frame) {
  for (Track& track : tracks_) ++track.misses;
  std::vector<std::size_t> all(tracks_.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::vector<int> partner = pair(all, found, timestamp_us, frame);
  std::vector<int> track_of(found.size(), -1);
  for (std::size_t i = 0; i < partner.size(); ++i) {
    if (partner[i] >= 0) track_of[static_cast<std::size_t>(partner[i])] = static_cast<int>(i);
  }
  std::vector<TrackedFace> out;
  for (std::size_t j = 0; j < found.size(); ++j) {
    if (track_of[j] < 0) {
      begin(found[j], timestamp_us, frame);
      out.push_back({tracks_.back().id, found[j].box, found[j].score, found[j].points});
      continue;
    }
    Track& track = tracks_[static_cast<std::size_t>(track_of[j])];
    take(track, found[j], timestamp_us, frame);
    track.box = found[j].box;  // given boxes are not smoothed
    out.push_back({track.id, found[j].box, found[j].score, found[j].points});
  }
  std::erase_if(tracks_, [&](const Track& track) { return lost(track, timestamp_us); });
  return out;
}

void Tracker::reset() {
  tracks_.clear();
  thumbnail_.clear();
  next_id_ = 0;
  due_frame_ = -1;
  due_us_ = fine_us_ = last_us_ = 0;
  crowd_ = false;
}

}  // namespace mien::face
