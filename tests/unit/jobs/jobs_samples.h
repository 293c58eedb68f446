#pragma once

#include <string>
#include <vector>

#include "jobs/results_file.h"

namespace mien::jobs::test {

inline const std::vector<std::string> kLabels = {"happy", "sad, \"very\""};
inline const RunFacts kFacts = {{"bundle", "tiny 1234"}, {"--face", "whole"}};

inline InputFile file_of(const std::string& name, std::int64_t size = 10, std::int64_t mtime = 5) {
  return {name, "/data/" + name, {size, mtime}};
}

inline pipeline::FrameResult frame_of(std::int64_t number, int faces, bool is_clip = true) {
  pipeline::FrameResult out;
  out.is_clip = is_clip;
  out.frame = number;
  out.timestamp_us = number * 40'000;
  out.width = 64;
  out.height = 48;
  for (int i = 0; i < faces; ++i) {
    engine::FaceResult face;
    face.face.box = {1.5F, 2, 10, 12};
    face.face.score = 0.75F;
    face.face.track = is_clip ? i : -1;
    face.face.source = face::FaceSource::kWhole;
    face.labels = {{kLabels[1], 0.61237F, 0.25F}, {kLabels[0], 0.38763F, -0.125F}};
    face.unknown = number % 3 == 2;
    out.faces.push_back(std::move(face));
  }
  return out;
}

inline pipeline::ClipResult clip_of(std::int64_t frames) {
  pipeline::ClipResult out;
  out.summary.is_clip = true;
  out.summary.frames = out.summary.analysed_frames = frames;
  out.summary.tracks = 1;
  out.summary.media_seconds = 0.04 * static_cast<double>(frames);
  pipeline::TrackResult track;
  track.track = 0;
  track.to_us = (frames - 1) * 40'000;
  track.frames = frames;
  track.aggregate = engine::Aggregate::kTemporal;
  track.labels = {{kLabels[0], 0.9F, 0.3F}, {kLabels[1], 0.1F, 0.1F}};
  out.tracks.push_back(track);
  return out;
}

}  // namespace mien::jobs::test
