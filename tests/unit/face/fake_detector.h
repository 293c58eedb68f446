#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "mien/face/detector.h"

namespace mien::test {

/// Paints `box` in red with the green level `id`; FakeDetector finds it there. Blue / 100 - 1 is
/// the score.
inline void paint_face(image::Image& picture, const image::Box& box, int id, int blue = 200) {
  for (int y = static_cast<int>(box.y); y < static_cast<int>(box.y + box.h); ++y) {
    for (int x = static_cast<int>(box.x); x < static_cast<int>(box.x + box.w); ++x) {
      if (x < 0 || y < 0 || x >= picture.width() || y >= picture.height()) continue;
      std::uint8_t* pixel = picture.row(y) + 3 * x;
      pixel[0] = 255;
      pixel[1] = static_cast<std::uint8_t>(id);
      pixel[2] = static_cast<std::uint8_t>(blue);
    }
  }
}

/// Finds the bounding boxes of painted faces, and counts how it was called.
class FakeDetector final : public face::FaceDetector {
 public:
  struct Log {
    std::vector<face::DetectOptions> calls;
    std::vector<int> widths;
  };
  explicit FakeDetector(Log* log = nullptr) : log_(log) {}

  Result<std::vector<face::Detection>> detect(image::ImageView picture,
                                              const face::DetectOptions& options) override {
    if (log_ != nullptr) {
      log_->calls.push_back(options);
      log_->widths.push_back(picture.width);
    }
    struct Extent {
      int left, top, right, bottom, blue;
    };
    std::map<int, Extent> seen;
    for (int y = 0; y < picture.height; ++y) {
      for (int x = 0; x < picture.width; ++x) {
        const std::uint8_t* pixel = picture.row(y) + 3 * x;
        if (pixel[0] != 255) continue;
        auto [at, added] = seen.try_emplace(pixel[1], Extent{x, y, x, y, pixel[2]});
        Extent& e = at->second;
        e = {std::min(e.left, x), std::min(e.top, y), std::max(e.right, x), std::max(e.bottom, y),
             e.blue};
      }
    }
    std::vector<face::Detection> out;
    for (const auto& [id, e] : seen) {
      const float score = static_cast<float>(e.blue) / 100 - 1;
      if (score < options.min_score) continue;
      out.push_back(
          {{static_cast<float>(e.left), static_cast<float>(e.top),
            static_cast<float>(e.right - e.left + 1), static_cast<float>(e.bottom - e.top + 1)},
           score});
    }
    return out;
  }
  std::unique_ptr<face::FaceDetector> clone() const override {
    return std::make_unique<FakeDetector>();
  }
  std::string_view name() const override { return "fake"; }

 private:
  Log* log_;
};

}  // namespace mien::test
