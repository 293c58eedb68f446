#pragma once

#include <string>
#include <vector>

#include "mien/c/mien.h"
#include "mien/pipeline/recognizer.h"

namespace mien::capi {

/// A result and the C structs that point into it. Not movable: pointers stay valid.
class FrameObject {
 public:
  explicit FrameObject(pipeline::FrameResult frame);
  FrameObject(const FrameObject&) = delete;
  FrameObject& operator=(const FrameObject&) = delete;

  const pipeline::FrameResult& result() const { return frame_; }
  const mien_frame& head() const { return head_; }
  /// nullptr past the last one.
  const mien_face* face(std::size_t index) const {
    return index < faces_.size() ? &faces_[index].out : nullptr;
  }

 private:
  struct Face {
    mien_face out{};
    std::vector<mien_score> labels;
    std::vector<mien_reason> reasons;
    std::vector<mien_value> values;
    std::vector<mien_point> landmarks;
    std::vector<mien_point> points;
    std::string steady;
  };
  static void fill(const engine::FaceResult& face, Face& to);

  pipeline::FrameResult frame_;
  mien_frame head_{};
  std::vector<Face> faces_;
};

/// Tracks and summary of a clip with the C structs that point into them. Not movable.
class ClipObject {
 public:
  ClipObject(std::vector<pipeline::TrackResult> tracks, pipeline::SummaryResult summary);
  ClipObject(const ClipObject&) = delete;
  ClipObject& operator=(const ClipObject&) = delete;

  const std::vector<pipeline::TrackResult>& tracks() const { return results_; }
  const pipeline::SummaryResult& summary() const { return summary_; }
  const mien_summary& head() const { return head_; }
  /// nullptr past the last one.
  const mien_track* track(std::size_t index) const {
    return index < tracks_.size() ? &tracks_[index].out : nullptr;
  }

 private:
  struct Track {
    mien_track out{};
    std::vector<mien_share> shares;
    std::vector<mien_segment> segments;
    std::vector<mien_score> labels;
    std::vector<mien_reason> reasons;
    std::vector<mien_value> values;
  };
  static void fill(const pipeline::TrackResult& track, Track& to);

  std::vector<pipeline::TrackResult> results_;
  pipeline::SummaryResult summary_;
  mien_summary head_{};
  std::vector<Track> tracks_;
};

}  // namespace mien::capi
