#include "face/look.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "face/grey.h"

namespace mien::face {
namespace {

constexpr int kGrid = 12;        // cells of a look, in each direction
constexpr int kThumbnail = 16;   // cells of a thumbnail
constexpr int kSamples = 4;      // per cell and direction
constexpr float kAround = 1.3F;  // side of the area, in sides of the box
constexpr float kFlat = 2;       // standard deviation of grey below which there is no structure

}  // namespace

std::vector<float> look_of(image::ImageView frame, const image::Box& box) {
  std::vector<float> out(kGrid * kGrid, 0);
  if (frame.empty()) return out;
  const float left = box.x + box.w / 2 - kAround * box.w / 2;
  const float top = box.y + box.h / 2 - kAround * box.h / 2;
  constexpr int kSteps = kGrid * kSamples;
  for (int j = 0; j < kSteps; ++j) {
    const float at = top + kAround * box.h * (static_cast<float>(j) + 0.5F) / kSteps;
    const int y = static_cast<int>(std::clamp(at, 0.0F, static_cast<float>(frame.height - 1)));
    const std::uint8_t* row = frame.row(y);
    for (int i = 0; i < kSteps; ++i) {
      const float along = left + kAround * box.w * (static_cast<float>(i) + 0.5F) / kSteps;
      const int x = static_cast<int>(std::clamp(along, 0.0F, static_cast<float>(frame.width - 1)));
      out[static_cast<std::size_t>((j / kSamples) * kGrid + i / kSamples)] += luma(row + 3 * x);
    }
  }
  float mean = 0;
  for (const float v : out) mean += v / (kGrid * kGrid);
  float power = 0;
  for (float& v : out) {
    v -= mean;
    power += v * v;
  }
  const float length = std::sqrt(power);
  const bool flat = length < kFlat * kSamples * kSamples * kGrid;
  for (float& v : out) v = flat ? 0 : v / length;
  return out;
}

float likeness(const std::vector<float>& a, const std::vector<float>& b) {
  float sum = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) sum += a[i] * b[i];
  return sum;
}

float best_likeness(const std::vector<float>& before, image::ImageView frame,
                    const image::Box& box) {
  struct Fit {
    float size = 1;
    float across = 0;
    float down = 0;
    float likeness = -1;
  };
  Fit best;
  // First the steps of a detector's pyramid (5/6), then finer ones around the best.
  const auto try_all = [&](const Fit& around, std::span<const float> sizes, float step) {
    for (const float size : sizes) {
      for (const float across : {0.0F, -step, step}) {
        for (const float down : {0.0F, -step, step}) {
          Fit fit{around.size * size, around.across + across, around.down + down};
          const image::Box moved{box.x + box.w * (0.5F * (1 - fit.size) + fit.across),
                                 box.y + box.h * (0.5F * (1 - fit.size) + fit.down),
                                 fit.size * box.w, fit.size * box.h};
          fit.likeness = likeness(before, look_of(frame, moved));
          if (fit.likeness > best.likeness) best = fit;
        }
      }
    }
  };
  constexpr std::array<float, 5> kCoarse{1.0F, 0.83F, 0.91F, 1.1F, 1.2F};
  constexpr std::array<float, 3> kFine{1.0F, 0.96F, 1.04F};
  try_all({}, kCoarse, 0.1F);
  try_all(Fit(best), kFine, 0.05F);
  return best.likeness;
}

std::vector<float> thumbnail_of(image::ImageView frame) {
  std::vector<float> out;
  for (int cell = 0; cell < kThumbnail * kThumbnail; ++cell) {
    float sum = 0;
    for (int k = 0; k < kSamples * kSamples; ++k) {
      const int across = (cell % kThumbnail) * kSamples + k % kSamples;
      const int down = (cell / kThumbnail) * kSamples + k / kSamples;
      const auto x = static_cast<int>(std::int64_t{frame.width} * across / (kThumbnail * kSamples));
      const auto y = static_cast<int>(std::int64_t{frame.height} * down / (kThumbnail * kSamples));
      sum += luma(frame.row(y) + 3 * x);
    }
    out.push_back(sum / (kSamples * kSamples));
  }
  return out;
}

}  // namespace mien::face
