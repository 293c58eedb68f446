#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "pipeline/face_reader.h"

namespace mien::pipeline {

/// The position of the prompt patch in every track, decided by its first face (see
/// engine::ImageEncoder::places). Threads: not thread-safe.
class TrackPlaces {
 public:
  /// Appends one position for each of `faces`, ordered by time, to `out`; none if the bundle needs
  /// none. Shape: pixels [faces, 3, S, S]. Errors: those of the tower.
  Status add(FaceReader& reader, std::span<const face::Face> faces, const float* pixels,
             engine::Session& session, std::vector<engine::PromptPlace>& out);
  void clear() { places_.clear(); }

 private:
  std::map<std::int64_t, engine::PromptPlace> places_;
};

}  // namespace mien::pipeline
