#include "face/grey.h"

#include <algorithm>
#include <cmath>

namespace mien::face {
namespace {

/// The source pixels of one target pixel: weights[0..count), starting at `first`.
struct Tap {
  int first = 0;
  int count = 0;
  std::size_t weights = 0;
};

struct Taps {
  std::vector<Tap> taps;
  std::vector<float> weights;
};

Taps make_taps(int source, int target) {
  const double scale = static_cast<double>(source) / target;
  const double support = std::max(scale, 1.0);
  Taps out;
  out.taps.reserve(static_cast<std::size_t>(target));
  for (int i = 0; i < target; ++i) {
    const double centre = (i + 0.5) * scale;
    const int low = std::max(0, static_cast<int>(std::floor(centre - support)));
    const int high = std::min(source - 1, static_cast<int>(std::ceil(centre + support)));
    Tap tap{low, 0, out.weights.size()};
    double sum = 0;
    for (int k = low; k <= high; ++k) {
      const double weight = std::max(0.0, 1 - std::abs(k + 0.5 - centre) / support);
      out.weights.push_back(static_cast<float>(weight));
      sum += weight;
      ++tap.count;
    }
    for (int k = 0; k < tap.count; ++k) {
      out.weights[tap.weights + static_cast<std::size_t>(k)] /= static_cast<float>(sum);
    }
    out.taps.push_back(tap);
  }
  return out;
}

}  // namespace

Grey to_grey(image::ImageView picture) {
  Grey out{picture.width, picture.height, {}};
  out.pixels.resize(static_cast<std::size_t>(picture.width) *
                    static_cast<std::size_t>(picture.height));
  for (int y = 0; y < picture.height; ++y) {
    const std::uint8_t* from = picture.row(y);
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < picture.width; ++x) to[x] = luma(from + 3 * x);
  }
  return out;
}

Grey resize_grey(const Grey& source, int width, int height) {
  MIEN_CHECK(source.width > 0 && source.height > 0 && width > 0 && height > 0);
  if (width == source.width && height == source.height) return source;
  const Taps columns = make_taps(source.width, width);
  const Taps rows = make_taps(source.height, height);
  Grey out{width, height, {}};
  out.pixels.resize(static_cast<std::size_t>(width) * static_cast<std::size_t>(height));
  std::vector<float> line(static_cast<std::size_t>(source.width));
  for (int y = 0; y < height; ++y) {
    const Tap& vertical = rows.taps[static_cast<std::size_t>(y)];
    std::fill(line.begin(), line.end(), 0.5F);  // rounds to nearest at the end
    for (int k = 0; k < vertical.count; ++k) {
      const float weight = rows.weights[vertical.weights + static_cast<std::size_t>(k)];
      const std::uint8_t* from = source.row(vertical.first + k);
      for (std::size_t x = 0; x < line.size(); ++x) line[x] += weight * static_cast<float>(from[x]);
    }
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < width; ++x) {
      const Tap& tap = columns.taps[static_cast<std::size_t>(x)];
      const float* weights = columns.weights.data() + tap.weights;
      float sum = 0;
      for (int k = 0; k < tap.count; ++k) {
        sum += weights[k] * line[static_cast<std::size_t>(tap.first + k)];
      }
      to[x] = static_cast<std::uint8_t>(std::min(sum, 255.5F));
    }
  }
  return out;
}

image::Image pad_to_rgb(const Grey& source, int margin) {
  MIEN_CHECK(source.width > 0 && source.height > 0 && margin >= 0);
  image::Image out(source.width + 2 * margin, source.height + 2 * margin);
  for (int y = 0; y < out.height(); ++y) {
    const std::uint8_t* from = source.row(std::clamp(y - margin, 0, source.height - 1));
    std::uint8_t* to = out.row(y);
    for (int x = 0; x < out.width(); ++x) {
      std::fill_n(to + 3 * x, 3, from[std::clamp(x - margin, 0, source.width - 1)]);
    }
  }
  return out;
}

}  // namespace mien::face
