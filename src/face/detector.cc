#include "mien/face/detector.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "face/grey.h"
#include "face/hog_select.h"
#include "mien/core/limits.h"

namespace mien::face {
namespace {

constexpr int kSmallestSide = 24;  // below, no 80-pixel window can overlap enough of the picture

class HogDetector final : public FaceDetector {
 public:
  HogDetector(const HogChoice& choice, void* detector)
      : kernel_(choice.kernel),
        detector_(detector),
        isa_(choice.isa),
        name_("dlib-hog (" + std::string(choice.isa) + ")") {}
  HogDetector(const HogDetector&) = delete;
  HogDetector& operator=(const HogDetector&) = delete;
  ~HogDetector() override { kernel_->destroy(detector_); }

  std::string_view name() const override { return name_; }

  std::unique_ptr<FaceDetector> clone() const override {
    void* detector = kernel_->create(kHogFilters);
    if (detector == nullptr) return nullptr;
    return std::make_unique<HogDetector>(HogChoice{kernel_, isa_}, detector);
  }

  Result<std::vector<Detection>> detect(image::ImageView picture,
                                        const DetectOptions& options) override {
    if (!(options.scale > 0) || !std::isfinite(options.scale)) {
      return invalid_argument("detector: scale is " + std::to_string(options.scale) +
                              " (expected a positive number)");
    }
    const double width = std::round(picture.width * static_cast<double>(options.scale));
    const double height = std::round(picture.height * static_cast<double>(options.scale));
    const Limits limits;
    if (width * height > static_cast<double>(limits.max_pixels)) {
      return resource_limit("detector: a picture of " + std::to_string(picture.width) + "x" +
                            std::to_string(picture.height) + " resized " +
                            std::to_string(options.scale) +
                            " times is too large (expected at most " +
                            std::to_string(limits.max_pixels) + " pixels)");
    }
    if (std::min(width, height) < kSmallestSide) return std::vector<Detection>{};
    const Grey grey =
        resize_grey(to_grey(picture), static_cast<int>(width), static_cast<int>(height));
    std::vector<HogHit> hits;
    const auto collect = [](void* user, const HogHit* hit) {
      static_cast<std::vector<HogHit>*>(user)->push_back(*hit);
    };
    if (!kernel_->detect(detector_, grey.pixels.data(), grey.width, grey.height,
                         static_cast<double>(options.min_score), collect, &hits)) {
      return resource_limit("detector: no memory for a picture of " + std::to_string(grey.width) +
                            "x" + std::to_string(grey.height) + " pixels");
    }
    return to_detections(hits, static_cast<float>(picture.width) / static_cast<float>(grey.width),
                         static_cast<float>(picture.height) / static_cast<float>(grey.height));
  }

 private:
  static std::vector<Detection> to_detections(const std::vector<HogHit>& hits, float scale_x,
                                              float scale_y) {
    std::vector<Detection> out;
    for (const HogHit& hit : hits) {
      const image::Box box{static_cast<float>(hit.left) * scale_x,
                           static_cast<float>(hit.top) * scale_y,
                           static_cast<float>(hit.right - hit.left + 1) * scale_x,
                           static_cast<float>(hit.bottom - hit.top + 1) * scale_y};
      out.push_back({box, static_cast<float>(hit.score)});
    }
    return out;
  }

  const HogKernel* kernel_;
  void* detector_;
  std::string_view isa_;
  std::string name_;
};

}  // namespace

Result<std::unique_ptr<FaceDetector>> make_hog_detector(HogIsa isa) {
  const std::optional<HogChoice> choice = select_hog_kernel(isa);
  if (!choice) return unsupported("detector: this processor lacks the requested instructions");
  void* detector = choice->kernel->create(kHogFilters);
  if (detector == nullptr) return resource_limit("detector: no memory");
  return std::unique_ptr<FaceDetector>(std::make_unique<HogDetector>(*choice, detector));
}

}  // namespace mien::face
