#include "jobs/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mien/core/json.h"

namespace mien::jobs {
namespace {

using Scores = std::vector<engine::LabelScore>;

template <class Value>
std::string score_list(const Scores& scores, const std::vector<std::string>& labels, Value value) {
  std::string out = "[";
  for (const std::string& label : labels) {
    const auto it = std::find_if(scores.begin(), scores.end(),
                                 [&](const engine::LabelScore& s) { return s.label == label; });
    if (out.size() > 1) out += ',';
    const double number = it == scores.end() ? std::numeric_limits<double>::quiet_NaN()
                                             : static_cast<double>(value(*it));
    out += std::isfinite(number) ? fmt::format("{:.4f}", number) : std::string("null");
  }
  return out + "]";
}

Result<std::vector<float>> read_list(const std::string& text, std::size_t expected) {
  const auto json = Json::parse(text);
  if (!json.ok() || !json->is_array() || json->size() != expected) {
    return corrupt(
        fmt::format("scores '{}' (expected a list of {} numbers)", text.substr(0, 60), expected));
  }
  std::vector<float> out;
  for (const Json& value : json->as_array()) {
    out.push_back(value.is_number() ? static_cast<float>(value.as_number())
                                    : std::numeric_limits<float>::quiet_NaN());
  }
  return out;
}

// Scores from three columns: probabilities, cosines and top.
Result<Scores> read_scores(const Statement& row, int first,
                           const std::vector<std::string>& labels) {
  Scores out;
  if (row.is_null(first)) return out;
  MIEN_ASSIGN_OR_RETURN(const auto p, read_list(row.text(first), labels.size()));
  MIEN_ASSIGN_OR_RETURN(const auto c, read_list(row.text(first + 1), labels.size()));
  for (std::size_t i = 0; i < labels.size(); ++i) out.push_back({labels[i], p[i], c[i]});
  // Probabilities may be equal in 4 digits; the stored top label stays first.
  const std::string top = row.text(first + 2);
  std::stable_sort(out.begin(), out.end(), [&](const auto& a, const auto& b) {
    if ((a.label == top) != (b.label == top)) return a.label == top;
    return a.probability != b.probability ? a.probability > b.probability : a.cosine > b.cosine;
  });
  return out;
}

std::string_view name_of(face::FaceSource source) { return face::to_string(source); }

face::FaceSource source_of(const std::string& name) {
  for (const face::FaceSource source : {face::FaceSource::kWhole, face::FaceSource::kBoxes}) {
    if (name == name_of(source)) return source;
  }
  return face::FaceSource::kDetected;
}

}  // namespace

void bind_scores(Statement& row, const Scores& scores, bool unknown,
                 const std::vector<std::string>& labels) {
  if (scores.empty()) {
    row.bind_null().bind_null().bind_null().bind_null();
    return;
  }
  row.bind(unknown ? std::string_view("unknown") : std::string_view(scores.front().label))
      .bind(unknown ? 1 : 0)
      .bind(score_list(scores, labels, [](const auto& s) { return s.probability; }))
      .bind(score_list(scores, labels, [](const auto& s) { return s.cosine; }));
}

void bind_end(Statement& row, const pipeline::SummaryResult& summary) {
  if (summary.is_clip) {
    row.bind(summary.cut_short ? 1 : 0);
  } else {
    row.bind_null();
  }
  if (summary.cut_short && summary.cut_short->expected > 0) {
    row.bind(summary.cut_short->expected);
  } else {
    row.bind_null();
  }
  if (summary.clock) {
    row.bind(to_iso(*summary.clock));
  } else {
    row.bind_null();
  }
}

void bind_face(Statement& row, const engine::FaceResult& result,
               const std::vector<std::string>& labels) {
  const face::Face& face = result.face;
  if (face.track >= 0) {
    row.bind(face.track);
  } else {
    row.bind_null();
  }
  row.bind(static_cast<double>(face.score)).bind(name_of(face.source));
  for (const float v : {face.box.x, face.box.y, face.box.w, face.box.h}) {
    row.bind(static_cast<double>(v));
  }
  bind_scores(row, result.labels, result.unknown, labels);
}

FileRow read_file_row(const Statement& row) {
  FileRow out;
  out.id = row.integer(0);
  out.input = row.text(1);
  out.path = row.text(2);
  out.stamp = {row.integer(3), row.integer(4)};
  out.state = row.text(5);
  out.is_clip = row.text(6) == "clip";
  out.code = row.text(7);
  out.message = row.text(8);
  out.summary.input = out.input;
  out.summary.is_clip = out.is_clip;
  out.summary.frames = row.integer(9);
  out.summary.analysed_frames = row.integer(10);
  out.summary.faces = row.integer(11);
  out.summary.tracks = row.integer(12);
  out.summary.corrupt_frames = row.integer(13);
  out.summary.media_seconds = row.number(14);
  out.summary.elapsed_seconds = row.number(15);
  // In older files only the code says that a clip is cut short.
  if (row.integer(16) != 0 || (out.state == "done" && !out.code.empty())) {
    out.summary.cut_short = video::CutShort{out.summary.frames, row.integer(17)};
  }
  if (!row.is_null(18)) {
    if (const auto clock = parse_wall_time(row.text(18)); clock.ok()) out.summary.clock = *clock;
  }
  return out;
}

pipeline::FrameResult read_frame(const Statement& row, const FileRow& file) {
  pipeline::FrameResult out;
  out.input = file.input;
  out.is_clip = file.is_clip;
  out.frame = row.integer(1);
  out.timestamp_us = row.integer(2);
  out.clock = file.summary.clock;
  out.width = static_cast<int>(row.integer(3));
  out.height = static_cast<int>(row.integer(4));
  return out;
}

Result<engine::FaceResult> read_face(const Statement& row, const std::vector<std::string>& labels) {
  engine::FaceResult out;
  out.face.track = row.is_null(5) ? -1 : row.integer(5);
  out.face.score = static_cast<float>(row.number(6));
  out.face.source = source_of(row.text(7));
  out.face.box = {static_cast<float>(row.number(8)), static_cast<float>(row.number(9)),
                  static_cast<float>(row.number(10)), static_cast<float>(row.number(11))};
  out.unknown = row.integer(12) != 0;
  MIEN_ASSIGN_OR_RETURN(out.labels, read_scores(row, 13, labels));
  return out;
}

Result<pipeline::TrackResult> read_track(const Statement& row, const FileRow& file,
                                         const std::vector<std::string>& labels) {
  pipeline::TrackResult out;
  out.input = file.input;
  out.track = row.integer(0);
  out.from_us = row.integer(1);
  out.to_us = row.integer(2);
  out.frames = row.integer(3);
  out.clock = file.summary.clock;
  out.aggregate = row.text(4) == engine::to_string(engine::Aggregate::kTemporal)
                      ? engine::Aggregate::kTemporal
                      : engine::Aggregate::kMean;
  out.unknown = row.integer(5) != 0;
  MIEN_ASSIGN_OR_RETURN(out.labels, read_scores(row, 6, labels));
  return out;
}

}  // namespace mien::jobs
