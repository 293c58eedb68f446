#include "mien/face/tracker.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "face/associate.h"
#include "face/grey.h"

namespace mien::face {
namespace {

constexpr double kSearchPixels = 0.55e6;  // size of a whole frame as searched
constexpr double kLocalFace = 104;        // a known face is searched at this width: HOG needs 80
constexpr double kLocalSide = 2.2;        // side of the searched place, in widths of the face
constexpr double kLargestScale = 4;
constexpr float kSameFace = 0.3F;        // overlap from frame to frame
constexpr float kSameFaceAgain = 0.15F;  // overlap after frames without it
constexpr float kDouble = 0.5F;          // overlap of two tracks that follow one face
constexpr int kMostMisses = 45;          // for clips without usable timestamps
constexpr int kFewMisses = 3;            // clips of few frames a second need patience, too
constexpr int kThumbnail = 16;
constexpr float kCutDifference = 32;  // mean change of grey between neighbouring frames

float search_scale(image::ImageView frame, const TrackerOptions& options) {
  if (options.scale > 0) return options.scale;
  const double pixels = static_cast<double>(frame.width) * frame.height;
  return static_cast<float>(std::min(2.0, std::sqrt(kSearchPixels / pixels)));
}

/// The part of `frame` around `box` in which its face may be in the next frame.
struct Place {
  image::ImageView view;
  float x = 0;
  float y = 0;
  float scale = 1;
};

Place place_of(image::ImageView frame, const image::Box& box, int misses) {
  const double face = static_cast<double>(std::max(box.w, box.h));
  const double half = 0.5 * face * kLocalSide * (1 + 0.1 * std::min(misses, 5));
  const double centre_x = static_cast<double>(box.x) + 0.5 * static_cast<double>(box.w);
  const double centre_y = static_cast<double>(box.y) + 0.5 * static_cast<double>(box.h);
  const auto clamp = [](double v, int limit) {
    return static_cast<int>(std::clamp(std::round(v), 0.0, static_cast<double>(limit)));
  };
  const int left = clamp(centre_x - half, frame.width);
  const int top = clamp(centre_y - half, frame.height);
  const int right = clamp(centre_x + half, frame.width);
  const int bottom = clamp(centre_y + half, frame.height);
  Place out;
  out.view = {frame.data + top * frame.stride + 3 * std::ptrdiff_t{left}, right - left,
              bottom - top, frame.stride};
  out.x = static_cast<float>(left);
  out.y = static_cast<float>(top);
  out.scale = static_cast<float>(std::min(kLargestScale, kLocalFace / std::max(1.0, face)));
  return out;
}

/// A found box jitters by the detector's grid; half of a small change is believed.
image::Box steadied(const image::Box& last, const image::Box& now) {
  if (image::iou(last, now) < 0.6F) return now;
  const auto mix = [](float a, float b, float share) { return a + share * (b - a); };
  const float side = mix(last.w, now.w, 0.5F);
  const float tall = mix(last.h, now.h, 0.5F);
  const float x = mix(last.x + last.w / 2, now.x + now.w / 2, 0.7F);
  const float y = mix(last.y + last.h / 2, now.y + now.h / 2, 0.7F);
  return {x - side / 2, y - tall / 2, side, tall};
}

}  // namespace

bool Tracker::is_cut(image::ImageView frame) {
  std::vector<float> thumbnail;
  constexpr int kSamples = 4;  // per cell and direction
  for (int cell = 0; cell < kThumbnail * kThumbnail; ++cell) {
    float sum = 0;
    for (int k = 0; k < kSamples * kSamples; ++k) {
      const int across = (cell % kThumbnail) * kSamples + k % kSamples;
      const int down = (cell / kThumbnail) * kSamples + k / kSamples;
      const auto x = static_cast<int>(std::int64_t{frame.width} * across / (kThumbnail * kSamples));
      const auto y = static_cast<int>(std::int64_t{frame.height} * down / (kThumbnail * kSamples));
      sum += luma(frame.row(y) + 3 * x);
    }
    thumbnail.push_back(sum / (kSamples * kSamples));
  }
  float change = 0;
  for (std::size_t i = 0; i < thumbnail_.size(); ++i) {
    change += std::abs(thumbnail[i] - thumbnail_[i]);
  }
  thumbnail_.swap(thumbnail);
  return change / (kThumbnail * kThumbnail) > kCutDifference;
}

bool Tracker::lost(const Track& track, std::int64_t timestamp_us) const {
  if (track.misses > kMostMisses) return true;
  return track.misses > kFewMisses && timestamp_us - track.seen_us > options_.max_gap_us;
}

Status Tracker::follow(image::ImageView frame, std::int64_t timestamp_us, FaceDetector& detector) {
  for (Track& track : tracks_) {
    const Place place = place_of(frame, track.box, track.misses);
    ++track.misses;
    if (place.view.empty()) continue;
    MIEN_ASSIGN_OR_RETURN(
        std::vector<Detection> found,
        detector.detect(place.view, {.scale = place.scale, .min_score = options_.keep_score}));
    float best = track.misses > 1 ? kSameFaceAgain : kSameFace;
    const image::Box last = track.box;
    for (Detection& one : found) {
      one.box.x += place.x;
      one.box.y += place.y;
      const float overlap = image::iou(last, one.box);
      if (overlap < best) continue;
      best = overlap;
      track.box = track.misses > 1 ? one.box : steadied(last, one.box);
      track.score = one.score;
      track.misses = 0;
      track.seen_us = timestamp_us;
    }
  }
  return {};
}

void Tracker::merge_doubles() {
  std::vector<Track> kept;
  for (const Track& track : tracks_) {  // ordered by id: the older one stays
    const bool twice = std::any_of(kept.begin(), kept.end(), [&](const Track& other) {
      return image::iou(other.box, track.box) > kDouble;
    });
    if (!twice) kept.push_back(track);
  }
  tracks_.swap(kept);
}

void Tracker::discover(std::span<const Detection> found, std::int64_t timestamp_us) {
  std::vector<image::Box> boxes;
  for (const Detection& one : found) boxes.push_back(one.box);
  std::vector<image::Box> known;
  for (const Track& track : tracks_) known.push_back(track.box);
  const std::vector<int> partner = associate(known, boxes, kSameFaceAgain);
  std::vector<bool> taken(found.size(), false);
  for (std::size_t i = 0; i < partner.size(); ++i) {
    if (partner[i] < 0) continue;
    const auto j = static_cast<std::size_t>(partner[i]);
    taken[j] = true;
    Track& track = tracks_[i];
    if (track.misses == 0) continue;  // found around its place already
    track.box = found[j].box;
    track.score = found[j].score;
    track.misses = 0;
    track.seen_us = timestamp_us;
  }
  for (std::size_t j = 0; j < found.size(); ++j) {
    if (!taken[j]) tracks_.push_back({next_id_++, found[j].box, found[j].score, timestamp_us, 0});
  }
}

FramePlan Tracker::plan(image::ImageView frame, std::int64_t frame_index) {
  FramePlan out;
  if (frame.empty()) return out;
  out.cut = is_cut(frame);
  out.due = out.cut || due_frame_ < 0 || frame_index < due_frame_ ||
            frame_index - due_frame_ >= options_.detect_every;
  if (out.due) due_frame_ = frame_index;
  out.search = out.due || crowd_;
  return out;
}

DetectOptions Tracker::whole_search(image::ImageView frame) const {
  return {.scale = search_scale(frame, options_), .min_score = options_.min_score};
}

Result<std::vector<TrackedFace>> Tracker::track(image::ImageView frame, std::int64_t frame_index,
                                                std::int64_t timestamp_us, FaceDetector& detector) {
  return track(frame, timestamp_us, plan(frame, frame_index), std::nullopt, detector);
}

Result<std::vector<TrackedFace>> Tracker::track(image::ImageView frame, std::int64_t timestamp_us,
                                                const FramePlan& plan,
                                                const std::optional<std::vector<Detection>>& found,
                                                FaceDetector& detector) {
  std::vector<TrackedFace> out;
  if (frame.empty()) return out;
  if (plan.cut) tracks_.clear();
  const DetectOptions whole = whole_search(frame);
  const double search_cost = static_cast<double>(frame.width) * frame.height *
                             static_cast<double>(whole.scale) * static_cast<double>(whole.scale);
  const double local_cost =
      static_cast<double>(tracks_.size()) * std::pow(kLocalFace * kLocalSide, 2);
  const bool crowd = local_cost > search_cost;  // then one search of the frame is cheaper
  crowd_ = crowd;
  if (crowd) {
    for (Track& track : tracks_) ++track.misses;
  } else {
    MIEN_RETURN_IF_ERROR(follow(frame, timestamp_us, detector));
  }
  if (plan.due || crowd) {
    if (found) {
      discover(*found, timestamp_us);
    } else {
      MIEN_ASSIGN_OR_RETURN(const std::vector<Detection> now, detector.detect(frame, whole));
      discover(now, timestamp_us);
    }
  }
  merge_doubles();
  std::erase_if(tracks_, [&](const Track& track) { return lost(track, timestamp_us); });
  for (const Track& track : tracks_) {
    if (track.misses == 0) out.push_back({track.id, track.box, track.score});
  }
  return out;
}

std::vector<TrackedFace> Tracker::assign(std::span<const Detection> found,
                                         std::int64_t timestamp_us) {
  std::vector<image::Box> boxes;
  for (const Detection& one : found) boxes.push_back(one.box);
  std::vector<image::Box> known;
  for (Track& track : tracks_) {
    known.push_back(track.box);
    ++track.misses;
  }
  const std::vector<int> partner = associate(boxes, known, kSameFace);
  std::vector<TrackedFace> out;
  for (std::size_t j = 0; j < found.size(); ++j) {
    if (partner[j] < 0) {
      tracks_.push_back({next_id_++, found[j].box, found[j].score, timestamp_us, 0});
      out.push_back({tracks_.back().id, found[j].box, found[j].score});
      continue;
    }
    Track& track = tracks_[static_cast<std::size_t>(partner[j])];
    track = {track.id, found[j].box, found[j].score, timestamp_us, 0};
    out.push_back({track.id, found[j].box, found[j].score});
  }
  std::erase_if(tracks_, [&](const Track& track) { return lost(track, timestamp_us); });
  return out;
}

void Tracker::reset() {
  tracks_.clear();
  thumbnail_.clear();
  next_id_ = 0;
  due_frame_ = -1;
  crowd_ = false;
}

}  // namespace mien::face
