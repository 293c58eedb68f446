#include "face/whole.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "face/grey.h"

namespace mien::face {
namespace {

constexpr double kMostElongated = 1.5;  // more elongated pictures are scenes
constexpr std::array kLongSides{100,
                                160};  // of the copies searched; a face is then 80 pixels or more
constexpr double kMargin = 0.2;        // of the long side, added on every side
constexpr double kCoverage = 0.35;     // share of the picture that the face box must cover
constexpr float kThreshold = -0.7F;
// Small squares are nearly always crops made around a face.
constexpr int kThumbnail = 128;
constexpr double kThumbnailElongated = 1.1;
constexpr float kThumbnailThreshold = -0.9F;

double overlap(float start, float length, int limit) {
  return std::max(0.0, std::min(static_cast<double>(start) + static_cast<double>(length),
                                static_cast<double>(limit)) -
                           std::max(0.0, static_cast<double>(start)));
}

}  // namespace

Result<std::optional<Detection>> find_whole(image::ImageView picture, FaceDetector& detector,
                                            float min_score) {
  std::optional<Detection> best;
  if (picture.empty()) return best;
  const int long_side = std::max(picture.width, picture.height);
  const double elongated = static_cast<double>(long_side) / std::min(picture.width, picture.height);
  if (elongated > kMostElongated) return best;
  const bool thumbnail = long_side <= kThumbnail && elongated <= kThumbnailElongated;
  const float threshold = (thumbnail ? kThumbnailThreshold : kThreshold) + min_score;
  const Grey grey = to_grey(picture);
  for (const int side : kLongSides) {
    const double scale = static_cast<double>(side) / long_side;
    const Grey small =
        resize_grey(grey, std::max(1, static_cast<int>(std::lround(picture.width * scale))),
                    std::max(1, static_cast<int>(std::lround(picture.height * scale))));
    const int margin = static_cast<int>(std::lround(kMargin * side));
    MIEN_ASSIGN_OR_RETURN(
        const std::vector<Detection> found,
        detector.detect(pad_to_rgb(small, margin), {.scale = 1, .min_score = threshold}));
    for (const Detection& one : found) {
      const image::Box box{one.box.x - static_cast<float>(margin),
                           one.box.y - static_cast<float>(margin), one.box.w, one.box.h};
      const double covered = overlap(box.x, box.w, small.width) *
                             overlap(box.y, box.h, small.height) / small.width / small.height;
      if (covered < kCoverage || (best && best->score >= one.score)) continue;
      const auto back = static_cast<float>(1 / scale);
      best = Detection{{box.x * back, box.y * back, box.w * back, box.h * back}, one.score};
    }
  }
  return best;
}

}  // namespace mien::face
