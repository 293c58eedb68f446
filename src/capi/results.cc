#include "capi/results.h"

#include <string_view>
#include <utility>

#include "capi/calls.h"
#include "capi/objects.h"
#include "mien/report/json_lines.h"

namespace mien::capi {
namespace {

std::vector<mien_score> scores_of(const std::vector<engine::LabelScore>& labels) {
  std::vector<mien_score> out;
  out.reserve(labels.size());
  for (const engine::LabelScore& score : labels) {
    out.push_back({score.label.c_str(), score.probability, score.cosine});
  }
  return out;
}

std::vector<mien_reason> reasons_of(const std::vector<engine::Reason>& reasons) {
  std::vector<mien_reason> out;
  out.reserve(reasons.size());
  for (const engine::Reason& reason : reasons) {
    out.push_back({reason.label.c_str(), reason.text.c_str(), reason.cosine});
  }
  return out;
}

std::vector<mien_value> values_of(const std::vector<engine::TargetValue>& values) {
  std::vector<mien_value> out;
  out.reserve(values.size());
  for (const engine::TargetValue& value : values) {
    out.push_back({value.target.c_str(), value.value});
  }
  return out;
}

template <class Points>
std::vector<mien_point> points_of(const Points& points) {
  std::vector<mien_point> out;
  for (const image::Point& point : points) out.push_back({point.x, point.y});
  return out;
}

// NULL instead of a pointer to nothing.
template <class T>
const T* data_of(const std::vector<T>& values) {
  return values.empty() ? nullptr : values.data();
}

std::int32_t source_of(face::FaceSource source) {
  switch (source) {
    case face::FaceSource::kDetected: return MIEN_DETECTED;
    case face::FaceSource::kWhole: return MIEN_WHOLE;
    case face::FaceSource::kBoxes: return MIEN_BOXES;
  }
  return MIEN_DETECTED;
}

// The scores that faces and tracks have in common.
template <class Of, class To>
void fill_scores(const Of& result, To& to) {
  to.labels = scores_of(result.labels);
  to.reasons = reasons_of(result.reasons);
  to.values = values_of(result.values);
  to.out.unknown = result.unknown ? 1 : 0;
  to.out.label_count = to.labels.size();
  to.out.labels = data_of(to.labels);
  to.out.reason_count = to.reasons.size();
  to.out.reasons = data_of(to.reasons);
  to.out.value_count = to.values.size();
  to.out.values = data_of(to.values);
}

}  // namespace

FrameObject::FrameObject(pipeline::FrameResult frame)
    : frame_(std::move(frame)), faces_(frame_.faces.size()) {
  head_.input = frame_.input.c_str();
  head_.is_clip = frame_.is_clip ? 1 : 0;
  head_.width = frame_.width;
  head_.height = frame_.height;
  head_.index = frame_.frame;
  head_.timestamp_us = frame_.timestamp_us;
  head_.face_count = faces_.size();
  for (std::size_t i = 0; i < faces_.size(); ++i) fill(frame_.faces[i], faces_[i]);
}

void FrameObject::fill(const engine::FaceResult& result, Face& to) {
  const face::Face& face = result.face;
  fill_scores(result, to);
  to.landmarks = points_of(face.landmarks68);
  if (face.landmarks5) to.points = points_of(*face.landmarks5);
  to.out.box = {face.box.x, face.box.y, face.box.w, face.box.h};
  to.out.score = face.score;
  to.out.source = source_of(face.source);
  to.out.track = face.track;
  if (result.change.size() == result.labels.size()) to.out.change = data_of(result.change);
  to.out.embedding_size = result.embedding.size();
  to.out.embedding = data_of(result.embedding);
  to.out.landmark_count = to.landmarks.size();
  to.out.landmarks = data_of(to.landmarks);
  to.out.points = data_of(to.points);
  to.out.intensity = result.intensity.value_or(-1.0F);
  if (!result.steady || result.steady->labels.empty()) return;
  to.steady = result.steady->top();
  to.out.steady = to.steady.c_str();
  to.out.steady_unknown = result.steady->unknown ? 1 : 0;
  if (!result.steady->unknown) {
    to.out.steady_probability = result.steady->labels.front().probability;
  }
}

ClipObject::ClipObject(std::vector<pipeline::TrackResult> tracks, pipeline::SummaryResult summary)
    : results_(std::move(tracks)), summary_(std::move(summary)), tracks_(results_.size()) {
  head_.input = summary_.input.c_str();
  head_.frames = summary_.frames;
  head_.analysed_frames = summary_.analysed_frames;
  head_.faces = summary_.faces;
  head_.corrupt_frames = summary_.corrupt_frames;
  head_.track_count = tracks_.size();
  head_.cut_short = summary_.cut_short ? 1 : 0;
  head_.seconds = summary_.media_seconds;
  head_.start = summary_.start_seconds;
  head_.elapsed = summary_.elapsed_seconds;
  for (std::size_t i = 0; i < tracks_.size(); ++i) fill(results_[i], tracks_[i]);
}

void ClipObject::fill(const pipeline::TrackResult& track, Track& to) {
  fill_scores(track, to);
  for (const pipeline::LabelTime& time : track.shares) {
    to.shares.push_back({time.label.c_str(), time.unknown ? 1 : 0, time.seconds, time.share});
  }
  for (const pipeline::TrackSegment& segment : track.segments) {
    to.segments.push_back({segment.from_us, segment.to_us, segment.label.c_str(),
                           segment.unknown ? 1 : 0, segment.probability});
  }
  to.out.id = track.track;
  to.out.from_us = track.from_us;
  to.out.to_us = track.to_us;
  to.out.frames = track.frames;
  to.out.share_count = to.shares.size();
  to.out.shares = data_of(to.shares);
  to.out.segment_count = to.segments.size();
  to.out.segments = data_of(to.segments);
  to.out.segments_left_out = track.segments_left_out;
  to.out.temporal = track.aggregate == engine::Aggregate::kTemporal ? 1 : 0;
}

Status give_result(pipeline::FrameResult frame, mien_result** out) {
  *out = results().add(std::make_shared<const FrameObject>(std::move(frame)));
  return {};
}

}  // namespace mien::capi

using namespace mien;        // NOLINT(google-build-using-namespace)
using namespace mien::capi;  // NOLINT(google-build-using-namespace)

extern "C" {

void mien_result_free(mien_result* result) { results().remove(result); }

mien_code mien_result_keep(const mien_result* result, mien_result** out) {
  return call([&]() -> Status {
    MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the handle goes"));
    auto object = results().find(result);
    if (object == nullptr) return bad_handle("result");
    *out = results().add(std::move(object));
    return {};
  });
}

const mien_frame* mien_result_frame(const mien_result* result) {
  return look([&]() -> const mien_frame* {
    const auto object = results().find(result);
    if (object != nullptr) return &object->head();
    (void)settle(bad_handle("result"));
    return nullptr;
  });
}

const mien_face* mien_result_face(const mien_result* result, size_t index) {
  return look([&]() -> const mien_face* {
    const auto object = results().find(result);
    if (object != nullptr) return object->face(index);
    (void)settle(bad_handle("result"));
    return nullptr;
  });
}

mien_code mien_result_json(const mien_result* result, char** out) {
  return call([&]() -> Status {
    const auto object = results().find(result);
    if (object == nullptr) return bad_handle("result");
    return give_text(mien::report::to_json(object->result()).dump(), out);
  });
}

void mien_clip_free(mien_clip* clip) { clips().remove(clip); }

const mien_summary* mien_clip_summary(const mien_clip* clip) {
  return look([&]() -> const mien_summary* {
    const auto object = clips().find(clip);
    if (object != nullptr) return &object->head();
    (void)settle(bad_handle("clip"));
    return nullptr;
  });
}

const mien_track* mien_clip_track(const mien_clip* clip, size_t index) {
  return look([&]() -> const mien_track* {
    const auto object = clips().find(clip);
    if (object != nullptr) return object->track(index);
    (void)settle(bad_handle("clip"));
    return nullptr;
  });
}

mien_code mien_clip_json(const mien_clip* clip, char** out) {
  return call([&]() -> Status {
    const auto object = clips().find(clip);
    if (object == nullptr) return bad_handle("clip");
    std::string text;
    for (const auto& track : object->tracks()) {
      text += mien::report::json_line(mien::report::to_json(track));
    }
    text += mien::report::json_line(mien::report::to_json(object->summary()));
    return give_text(text, out);
  });
}

}  // extern "C"
