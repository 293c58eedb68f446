// Faces from the answers of a network.
#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/bundle_hash.h"
#include "engine/detectors/pyramid.h"
#include "image/resize.h"
#include "mien/engine/detector.h"

namespace mien::engine {
namespace {

// A crowd has some hundred faces; more places than this are no picture of faces, and comparing them
// all takes long.
constexpr std::size_t kMostCandidates = 5000;

// How much smaller than the picture the network sees it at scale 1.
constexpr float kWorkScale = 0.5F;
// Shorter side of the reduced picture, in largest faces.
constexpr float kReducedShare = 0.8F;
// Share of the smaller of two boxes above which one is a part of the other.
constexpr float kPartOfFace = 0.6F;
// Nothing below is a face for anyone, and every place of a picture would be one.
constexpr float kLeastProbability = 0.02F;

float sigmoid(float x) { return 1.0F / (1.0F + std::exp(-x)); }
float logit(float p) { return std::log(p / (1 - p)); }

// A network that knows faces up to some size takes eyes and mouths of larger ones for faces.
void drop_parts(std::vector<face::Detection>& faces) {
  std::vector<face::Detection> kept;
  for (const face::Detection& one : faces) {
    const bool part = std::any_of(kept.begin(), kept.end(), [&](const face::Detection& surer) {
      const image::Box &a = one.box, &b = surer.box;
      const float w = std::min(a.x + a.w, b.x + b.w) - std::max(a.x, b.x);
      const float h = std::min(a.y + a.h, b.y + b.h) - std::max(a.y, b.y);
      return w > 0 && h > 0 && w * h > kPartOfFace * std::min(a.area(), b.area());
    });
    if (!part) kept.push_back(one);
  }
  faces = std::move(kept);
}

class NetworkDetector final : public face::FaceDetector {
 public:
  explicit NetworkDetector(std::shared_ptr<const DetectorBundle> bundle)
      : bundle_(std::move(bundle)) {}

  Result<std::vector<face::Detection>> detect(image::ImageView picture,
                                              const face::DetectOptions& options) override;
  float smallest_face() const override {
    return static_cast<float>(bundle_->info().smallest_face) / kWorkScale;
  }
  std::unique_ptr<FaceDetector> clone() const override {
    return std::make_unique<NetworkDetector>(bundle_);
  }
  std::string_view name() const override { return bundle_->info().name; }
  std::string identity() const override {
    return bundle_->info().name + " " + bundle_hash(bundle_->info()).substr(0, 16);
  }

 private:
  void read(const PyramidMap& map, float least, float x, float y);
  /// Candidates of the picture resized to width x height, in its own pixels.
  Status search(image::ImageView picture, int width, int height, float least);

  std::shared_ptr<const DetectorBundle> bundle_;
  PyramidScratch scratch_;
  image::Image resized_;
  std::vector<face::Detection> candidates_;
};

void NetworkDetector::read(const PyramidMap& map, float least, float x_scale, float y_scale) {
  // sqrt(a * b) is not above `least` where one of them is below its square.
  const float least_logit = logit(least * least);
  for (std::int64_t y = 0; y < map.height; ++y) {
    for (std::int64_t x = 0; x < map.width; ++x) {
      const float* a = map.values + (y * map.width + x) * kAnswers;
      // Written so that what is not a number is not a face.
      if (!(a[0] >= least_logit && a[1] >= least_logit)) continue;
      const auto found = face_at(map, x, y, least);
      if (!found) continue;
      face::Detection& one = candidates_.emplace_back(*found);
      one.box = {one.box.x * x_scale, one.box.y * y_scale, one.box.w * x_scale,
                 one.box.h * y_scale};
      for (image::Point& point : *one.points) point = {point.x * x_scale, point.y * y_scale};
    }
  }
}

Status NetworkDetector::search(image::ImageView picture, int width, int height, float least) {
  image::ImageView searched = picture;
  if (width != picture.width || height != picture.height) {
    const Limits limits;
    if (static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height) >
        limits.max_pixels) {
      return resource_limit("detect: the resized picture is too large");
    }
    resized_ = image::resize_u8(picture, width, height, image::Filter::kBilinear);
    searched = resized_.view();
  }
  const float x = static_cast<float>(picture.width) / static_cast<float>(width);
  const float y = static_cast<float>(picture.height) / static_cast<float>(height);
  for (const PyramidMap& map : bundle_->network().run(searched, scratch_)) read(map, least, x, y);
  return {};
}

Result<std::vector<face::Detection>> NetworkDetector::detect(image::ImageView picture,
                                                             const face::DetectOptions& options) {
  if (!(options.scale > 0)) return invalid_argument("detect: scale must be positive");
  if (picture.empty()) return std::vector<face::Detection>();
  const auto size = [&](int side, float scale) {
    return std::max(1, static_cast<int>(std::lround(static_cast<float>(side) * scale)));
  };
  const float scale = options.scale * kWorkScale;
  const DetectorInfo& info = bundle_->info();
  const float threshold = logit(static_cast<float>(info.threshold));
  const float least = std::max(sigmoid(options.min_score + threshold), kLeastProbability);
  candidates_.clear();
  MIEN_RETURN_IF_ERROR(
      search(picture, size(picture.width, scale), size(picture.height, scale), least));
  // Once more for faces that the network has not learned to see at this size.
  const auto shorter = static_cast<float>(std::min(picture.width, picture.height));
  const auto largest = static_cast<float>(info.largest_face);
  if (largest > 0 && shorter * scale > largest) {
    const float reduced = kReducedShare * largest / shorter;
    MIEN_RETURN_IF_ERROR(
        search(picture, size(picture.width, reduced), size(picture.height, reduced), least));
  }
  std::vector<face::Detection> out = without_overlaps(candidates_, info.overlap);
  if (largest > 0) drop_parts(out);
  for (face::Detection& one : out) {
    const image::Box box = one.box;
    const float around = std::sqrt(box.area());
    const float side = around * static_cast<float>(info.square_side);
    one.box = {box.x + (box.w - side) / 2,
               box.y + (box.h - side) / 2 + around * static_cast<float>(info.square_down), side,
               side};
    one.score = logit(std::min(one.score, 1 - 1e-6F)) - threshold;
  }
  return out;
}

}  // namespace

std::optional<face::Detection> face_at(const PyramidMap& map, std::int64_t x, std::int64_t y,
                                       float least) {
  const float* a = map.values + (y * map.width + x) * kAnswers;
  const auto stride = static_cast<float>(map.stride);
  face::Detection found;
  found.score = std::sqrt(sigmoid(a[0]) * sigmoid(a[1]));
  if (!(found.score >= least)) return std::nullopt;
  const auto left = static_cast<float>(x), top = static_cast<float>(y);
  const float w = stride * std::exp(a[4]), h = stride * std::exp(a[5]);
  found.box = {(left + a[2]) * stride - w / 2, (top + a[3]) * stride - h / 2, w, h};
  bool finite = std::isfinite(w) && std::isfinite(h) && std::isfinite(a[2]) && std::isfinite(a[3]);
  found.points.emplace();
  for (std::size_t i = 0; i < 5; ++i) {
    const float px = a[6 + 2 * i], py = a[7 + 2 * i];
    finite = finite && std::isfinite(px) && std::isfinite(py);
    (*found.points)[i] = {(left + px) * stride, (top + py) * stride};
  }
  if (!finite) return std::nullopt;
  return found;
}

std::vector<face::Detection> without_overlaps(std::vector<face::Detection>& candidates,
                                              double overlap) {
  std::stable_sort(
      candidates.begin(), candidates.end(),
      [](const face::Detection& a, const face::Detection& b) { return a.score > b.score; });
  if (candidates.size() > kMostCandidates) candidates.resize(kMostCandidates);
  std::vector<face::Detection> out;
  for (const face::Detection& one : candidates) {
    const bool known = std::any_of(out.begin(), out.end(), [&](const face::Detection& kept) {
      return image::iou(kept.box, one.box) > overlap;
    });
    if (!known) out.push_back(one);
  }
  return out;
}

std::unique_ptr<face::FaceDetector> make_network_detector(
    std::shared_ptr<const DetectorBundle> bundle) {
  return std::make_unique<NetworkDetector>(std::move(bundle));
}

}  // namespace mien::engine
