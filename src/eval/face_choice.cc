#include "eval/face_choice.h"

#include <algorithm>
#include <vector>

#include "data/store.h"
#include "mien/image/decode.h"

namespace mien::eval {
namespace {

constexpr std::size_t kLookedAt = 24;
constexpr int kThumbnail = 128;  // small squares count as crops
constexpr double kThumbnailElongated = 1.1;
constexpr double kFilled = 0.3;  // share of the picture that the face box of a crop covers

bool is_thumbnail(const image::Image& picture) {
  const int most = std::max(picture.width(), picture.height());
  const int least = std::min(picture.width(), picture.height());
  return most <= kThumbnail && most <= kThumbnailElongated * least;
}

double share_of(const image::Box& box, const image::Image& picture) {
  const auto inside = [](float start, float length, int limit) {
    const double end = std::min<double>(double{start} + double{length}, limit);
    return std::max(0.0, end - std::max<double>(start, 0));
  };
  return inside(box.x, box.w, picture.width()) * inside(box.y, box.h, picture.height()) /
         (double{1} * picture.width() * picture.height());
}

Status look_at(const image::Image& picture, const std::string& name, face::FaceFinder& finder,
               FaceChoice& out) {
  ++out.looked_at;
  if (is_thumbnail(picture)) {
    ++out.crops;
    return {};
  }
  MIEN_ASSIGN_OR_RETURN(const auto faces, finder.find(picture, name));
  if (faces.empty()) return {};
  const face::Face& largest = faces.front();
  const bool crop =
      largest.source == face::FaceSource::kWhole || share_of(largest.box, picture) >= kFilled;
  ++(crop ? out.crops : out.frames);
  return {};
}

}  // namespace

Result<FaceChoice> look_for_faces(const data::Manifest& manifest, face::FinderOptions finder,
                                  const Limits& limits) {
  FaceChoice out;
  finder.mode = face::Mode::kAuto;
  finder.landmarks = false;
  MIEN_ASSIGN_OR_RETURN(const auto search, face::make_finder(finder));
  const std::size_t count = std::min(kLookedAt, manifest.samples.size());
  for (std::size_t i = 0; i < count; ++i) {
    const auto& frames = manifest.samples[i * manifest.samples.size() / count].frames;
    if (frames.empty()) continue;
    const std::string& name = frames[frames.size() / 2];
    const auto bytes = manifest.store->read(name);
    if (!bytes.ok()) continue;  // reported when it is evaluated
    const auto picture = image::decode(*bytes, limits);
    if (!picture.ok()) continue;
    MIEN_RETURN_IF_ERROR(look_at(*picture, name, *search, out).with_prefix(name));
  }
  return out;
}

}  // namespace mien::eval
