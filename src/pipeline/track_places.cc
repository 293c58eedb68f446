#include "pipeline/track_places.h"

namespace mien::pipeline {

Status TrackPlaces::add(FaceReader& reader, std::span<const face::Face> faces, const float* pixels,
                        engine::Session& session, std::vector<engine::PromptPlace>& out) {
  if (!reader.places_patches()) return {};
  for (std::size_t i = 0; i < faces.size(); ++i) {
    const auto known = places_.find(faces[i].track);
    if (known != places_.end()) {
      out.push_back(known->second);
      continue;
    }
    MIEN_ASSIGN_OR_RETURN(const engine::PromptPlace place,
                          reader.place(pixels + i * reader.pixels_per_face(), session));
    places_[faces[i].track] = place;
    out.push_back(place);
  }
  return {};
}

}  // namespace mien::pipeline
