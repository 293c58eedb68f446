#include "mien/report/json_lines.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <utility>

#include "report/names.h"

namespace mien::report {
namespace {

// `value` rounded to 1 / `steps`; never "-0.0". Numbers too large for such digits are unchanged.
Json rounded(double value, double steps) {
  if (!std::isfinite(value)) return nullptr;
  if (std::abs(value) > 1e12) return value;
  return std::round(value * steps) / steps + 0.0;
}
Json pixels(double value) { return rounded(value, 10); }
Json share(double value) { return rounded(value, 1e4); }
Json seconds(double value) { return rounded(value, 1e6); }
Json seconds_of_us(std::int64_t us) { return seconds(static_cast<double>(us) / 1e6); }

// The clock time at `us` of a clip, if known.
void add_clock(Json& out, const char* key, const std::optional<WallTime>& clock, std::int64_t us) {
  if (clock) out.set(key, to_iso(clock->after(us)));
}

Json pixel_list(std::initializer_list<float> values) {
  Json out = Json::array();
  for (const float v : values) out.push_back(pixels(v));
  return out;
}

Json points_to_json(std::span<const image::Point> points) {
  Json out = Json::array();
  for (const image::Point& p : points) out.push_back(pixel_list({p.x, p.y}));
  return out;
}

Json labels_to_json(const std::vector<engine::LabelScore>& labels) {
  Json out = Json::array();
  for (const engine::LabelScore& score : labels) {
    out.push_back(Json::Object{{"label", score.label},
                               {"probability", share(score.probability)},
                               {"cosine", share(score.cosine)}});
  }
  return out;
}

Json reasons_to_json(const std::vector<engine::Reason>& reasons) {
  Json out = Json::array();
  for (const engine::Reason& reason : reasons) {
    Json one = Json::Object{
        {"label", reason.label}, {"text", reason.text}, {"cosine", share(reason.cosine)}};
    if (!reason.near.empty()) {
      Json tokens = Json::array();
      for (const std::vector<std::string>& words : reason.near) {
        Json token = Json::array();
        for (const std::string& word : words) token.push_back(word);
        tokens.push_back(std::move(token));
      }
      one.set("near", std::move(tokens));
    }
    out.push_back(std::move(one));
  }
  return out;
}

Json values_to_json(const std::vector<engine::TargetValue>& values) {
  Json out = Json::array();
  for (const engine::TargetValue& item : values) {
    out.push_back(Json::Object{{"target", item.target}, {"value", rounded(item.value, 1e6)}});
  }
  return out;
}

// Shared by faces and tracks: the verdict, if there is one.
template <class Scored>
void add_scores(Json& out, const Scored& scored) {
  if (!scored.labels.empty()) {
    out.set("top", scored.top());
    out.set("unknown", scored.unknown);
    out.set("labels", labels_to_json(scored.labels));
  }
  if (!scored.reasons.empty()) out.set("reasons", reasons_to_json(scored.reasons));
  if (!scored.values.empty()) out.set("values", values_to_json(scored.values));
}

Json face_to_json(const engine::FaceResult& result) {
  const face::Face& face = result.face;
  Json out = Json::object();
  out.set("box", pixel_list({face.box.x, face.box.y, face.box.w, face.box.h}));
  out.set("score", share(face.score));
  out.set("landmarks", face.landmarks5 ? points_to_json(*face.landmarks5) : Json());
  out.set("track", face.track >= 0 ? Json(face.track) : Json());
  out.set("source", source_name(face.source));
  add_scores(out, result);
  if (result.steady && !result.steady->labels.empty()) {
    const engine::SteadyAnswer& steady = *result.steady;
    out.set("steady",
            Json::Object{{"label", steady.top()},
                         {"unknown", steady.unknown},
                         {"probability",
                          steady.unknown ? Json() : share(steady.labels.front().probability)}});
  }
  if (!result.change.empty()) {
    Json change = Json::array();
    for (std::size_t i = 0; i < std::min(result.labels.size(), result.change.size()); ++i) {
      change.push_back(Json::Object{{"label", result.labels[i].label},
                                    {"change", share(static_cast<double>(result.change[i]))}});
    }
    out.set("change", std::move(change));
  }
  if (result.intensity) out.set("intensity", share(*result.intensity));
  if (!result.embedding.empty()) {
    Json values = Json::array();
    for (const float v : result.embedding) values.push_back(v);
    out.set("embedding", std::move(values));
  }
  return out;
}

}  // namespace

Json to_json(const pipeline::FrameResult& frame) {
  Json out = Json::object();
  out.set("input", frame.input);
  out.set("kind", frame.is_clip ? "frame" : "image");
  if (frame.is_clip) {
    out.set("frame", frame.frame);
    out.set("time", seconds_of_us(frame.timestamp_us));
    add_clock(out, "clock", frame.clock, frame.timestamp_us);
  }
  out.set("width", frame.width);
  out.set("height", frame.height);
  Json faces = Json::array();
  for (const engine::FaceResult& face : frame.faces) faces.push_back(face_to_json(face));
  out.set("faces", std::move(faces));
  if (frame.aggregate == engine::Aggregate::kTemporal) {
    out.set("aggregate", engine::to_string(frame.aggregate));
  }
  return out;
}

namespace {

// The share of time of each label, and the segments.
void add_times(Json& out, const pipeline::TrackResult& track) {
  if (track.shares.empty()) return;
  Json shares = Json::array();
  for (const pipeline::LabelTime& time : track.shares) {
    shares.push_back(Json::Object{{"label", time.label},
                                  {"unknown", time.unknown},
                                  {"seconds", seconds(time.seconds)},
                                  {"share", share(time.share)}});
  }
  out.set("shares", std::move(shares));
  Json segments = Json::array();
  for (const pipeline::TrackSegment& segment : track.segments) {
    Json one = Json::Object{{"label", segment.label},
                            {"unknown", segment.unknown},
                            {"from", seconds_of_us(segment.from_us)},
                            {"to", seconds_of_us(segment.to_us)},
                            {"probability", segment.unknown ? Json() : share(segment.probability)}};
    add_clock(one, "from_clock", track.clock, segment.from_us);
    add_clock(one, "to_clock", track.clock, segment.to_us);
    if (!segment.risen.empty()) {
      one.set("change", segment.change ? share(*segment.change) : Json());
      one.set("risen", segment.risen);
      one.set("risen_by", share(segment.risen_by));
    }
    segments.push_back(std::move(one));
  }
  out.set("segments", std::move(segments));
  if (track.segments_left_out > 0) out.set("segments_left_out", track.segments_left_out);
  if (!track.baseline) return;
  Json labels = Json::array();
  for (const auto& one : track.baseline->labels) {
    labels.push_back(Json::Object{{"label", one.label},
                                  {"baseline", share(one.baseline)},
                                  {"mean", share(one.mean)},
                                  {"change", share(one.change)}});
  }
  Json baseline = Json::object();
  baseline.set("seconds", seconds(track.baseline->seconds));
  baseline.set("labels", std::move(labels));
  out.set("baseline", std::move(baseline));
}

}  // namespace

Json to_json(const pipeline::TrackResult& track) {
  Json out = Json::object();
  out.set("input", track.input);
  out.set("kind", "track");
  out.set("track", track.track);
  out.set("from", seconds_of_us(track.from_us));
  out.set("to", seconds_of_us(track.to_us));
  add_clock(out, "from_clock", track.clock, track.from_us);
  add_clock(out, "to_clock", track.clock, track.to_us);
  out.set("frames", track.frames);
  add_times(out, track);
  if (!track.labels.empty() || !track.values.empty()) {
    out.set("aggregate", engine::to_string(track.aggregate));
  }
  add_scores(out, track);
  return out;
}

Json to_json(const pipeline::SummaryResult& summary) {
  Json out = Json::object();
  out.set("input", summary.input);
  out.set("kind", "summary");
  out.set("media", summary.is_clip ? "clip" : "image");
  out.set("frames", summary.frames);
  out.set("analysed_frames", summary.analysed_frames);
  out.set("faces", summary.faces);
  out.set("tracks", summary.tracks);
  if (summary.smallest_face > 0) out.set("smallest_face", pixels(summary.smallest_face));
  out.set("corrupt_frames", summary.corrupt_frames);
  out.set("seconds", seconds(summary.media_seconds));
  if (summary.is_clip) {
    out.set("start", seconds(summary.start_seconds));
    out.set("offset", seconds(summary.offset_seconds));
    add_clock(out, "clock", summary.clock, 0);
    out.set("cut_short", summary.cut_short.has_value());
    if (summary.cut_short && summary.cut_short->expected > 0) {
      out.set("expected_frames", summary.cut_short->expected);
    }
  }
  out.set("elapsed", seconds(summary.elapsed_seconds));
  return out;
}

Json error_to_json(std::string_view input, const Status& status) {
  MIEN_CHECK(!status.ok());
  return Json::Object{{"input", input},
                      {"kind", "error"},
                      {"code", to_string(status.code())},
                      {"message", status.message()}};
}

std::string json_line(const Json& value) { return value.dump() + '\n'; }

}  // namespace mien::report
