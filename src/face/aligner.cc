#include "mien/face/aligner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include "face/similarity.h"
#include "mien/core/limits.h"

namespace mien::face {
namespace {

constexpr float kMostMargin = 10;
constexpr int kMostAlignSize = 4096;
constexpr int kMostSamples = 16;  // per target pixel and direction, when shrinking

// Eyes, nose tip and mouth corners in a square of side 1: the positions that are usual for face
// recognition (112 x 112 pixels), which show the face from the brows to the chin.
constexpr std::array<float, 10> kTemplate{
    38.2946F / 112, 51.6963F / 112, 73.5318F / 112, 51.5014F / 112, 56.0252F / 112,
    71.7366F / 112, 41.5493F / 112, 92.3655F / 112, 70.7299F / 112, 92.2041F / 112};

/// Bilinear; black outside. Adds the three channels to `sum`.
void add_sample(image::ImageView picture, double x, double y, std::array<double, 3>& sum) {
  const double left = std::floor(x);
  const double top = std::floor(y);
  if (!(left >= -1 && top >= -1 && left < picture.width && top < picture.height)) return;
  const double across = x - left;
  const double down = y - top;
  for (int k = 0; k < 4; ++k) {
    const int column = static_cast<int>(left) + k % 2;
    const int line = static_cast<int>(top) + k / 2;
    if (column < 0 || line < 0 || column >= picture.width || line >= picture.height) continue;
    const double weight = (k % 2 == 1 ? across : 1 - across) * (k / 2 == 1 ? down : 1 - down);
    const std::uint8_t* pixel = picture.row(line) + 3 * column;
    for (std::size_t c = 0; c < 3; ++c) sum[c] += weight * pixel[c];
  }
}

/// Each target pixel is the mean of enough samples to cover every source pixel.
image::Image warp(image::ImageView picture, const Similarity& to_picture, int size) {
  const double scale = std::hypot(to_picture.a, to_picture.b);
  const int samples = std::clamp(static_cast<int>(std::ceil(scale)), 1, kMostSamples);
  image::Image out(size, size);
  for (int y = 0; y < size; ++y) {
    std::uint8_t* row = out.row(y);
    for (int x = 0; x < size; ++x) {
      std::array<double, 3> sum{};
      for (int k = 0; k < samples * samples; ++k) {
        const double u = x + (k % samples + 0.5) / samples;
        const double v = y + (k / samples + 0.5) / samples;
        add_sample(picture, to_picture.a * u - to_picture.b * v + to_picture.tx - 0.5,
                   to_picture.b * u + to_picture.a * v + to_picture.ty - 0.5, sum);
      }
      for (std::size_t c = 0; c < 3; ++c) {
        row[3 * static_cast<std::size_t>(x) + c] =
            static_cast<std::uint8_t>(sum[c] / (samples * samples) + 0.5);
      }
    }
  }
  return out;
}

/// Maps the aligned crop to the picture; nullopt when the points are unusable.
std::optional<Similarity> alignment(const std::array<image::Point, 5>& points,
                                    const CropSpec& spec) {
  std::array<float, 10> from{};
  std::array<float, 10> to{};
  const auto size = static_cast<float>(spec.align_size);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const float inner = (kTemplate[2 * i + axis] - 0.5F) / (1 + 2 * spec.margin) + 0.5F;
      from[2 * i + axis] = inner * size;
    }
    to[2 * i] = points[i].x + 0.5F;  // pixel centres are at half coordinates while warping
    to[2 * i + 1] = points[i].y + 0.5F;
  }
  const Similarity out = fit_similarity(from, to);
  const double scale = std::hypot(out.a, out.b);
  if (!(scale > 1e-3 && scale < 1e6))
    return std::nullopt;  // all points coincide, or are not finite
  return out;
}

}  // namespace

Json CropSpec::to_json() const {
  Json out = Json::object();
  out.set("margin", margin);
  out.set("square", square);
  out.set("align", align);
  out.set("align_size", align_size);
  return out;
}

Result<CropSpec> CropSpec::parse(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(
      json_reject_unknown(json, {"margin", "square", "align", "align_size"}, subject));
  CropSpec out;
  MIEN_ASSIGN_OR_RETURN(const double margin, json_number(json, "margin", subject));
  MIEN_ASSIGN_OR_RETURN(out.square, json_bool(json, "square", subject));
  MIEN_ASSIGN_OR_RETURN(out.align, json_bool(json, "align", subject));
  MIEN_ASSIGN_OR_RETURN(const std::int64_t size, json_integer(json, "align_size", subject));
  if (!(margin >= 0 && margin <= static_cast<double>(kMostMargin))) {
    return corrupt(std::string(subject) + ": margin is " + std::to_string(margin) +
                   " (expected 0 to 10)");
  }
  if (size < 1 || size > kMostAlignSize) {
    return corrupt(std::string(subject) + ": align_size is " + std::to_string(size) +
                   " (expected 1 to 4096)");
  }
  out.margin = static_cast<float>(margin);
  out.align_size = static_cast<int>(size);
  return out;
}

Result<image::Image> crop_face(image::ImageView picture, const Face& face, const CropSpec& spec) {
  MIEN_CHECK(spec.margin >= 0 && spec.margin <= kMostMargin && spec.align_size >= 1 &&
             spec.align_size <= kMostAlignSize);
  if (picture.empty()) return invalid_argument("face: the picture is empty");
  if (spec.align && face.landmarks5) {
    if (const auto to_picture = alignment(*face.landmarks5, spec)) {
      return warp(picture, *to_picture, spec.align_size);
    }
  }
  if (face.source == FaceSource::kWhole) {
    return image::crop(
        picture, {0, 0, static_cast<float>(picture.width), static_cast<float>(picture.height)});
  }
  image::Box box = face.box;
  const auto finite = [](float v) { return std::isfinite(v); };
  if (!finite(box.x) || !finite(box.y) || !finite(box.area()) || !(box.area() > 0)) {
    return invalid_argument("face: box is empty (expected w and h above 0)");
  }
  const float width = (spec.square ? std::max(box.w, box.h) : box.w) * (1 + 2 * spec.margin);
  const float height = (spec.square ? std::max(box.w, box.h) : box.h) * (1 + 2 * spec.margin);
  const Limits limits;
  if (!(width * height <= static_cast<float>(limits.max_pixels)) ||
      std::max({std::abs(box.x), std::abs(box.y), width, height}) > 1e6F) {
    return resource_limit("face: box is too large (expected a crop of at most " +
                          std::to_string(limits.max_pixels) + " pixels)");
  }
  box = {box.x + (box.w - width) / 2, box.y + (box.h - height) / 2, width, height};
  box.w = std::max(box.w, 1.0F);
  box.h = std::max(box.h, 1.0F);
  return image::crop(picture, box);
}

}  // namespace mien::face
