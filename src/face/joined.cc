// Two detectors as one.
#include <algorithm>
#include <utility>

#include "mien/core/check.h"
#include "mien/face/detector.h"

namespace mien::face {
namespace {

constexpr float kSameFace = 0.3F;  // overlap of two detectors' boxes of one face

class Joined final : public FaceDetector {
 public:
  Joined(std::unique_ptr<FaceDetector> first, std::unique_ptr<FaceDetector> second)
      : first_(std::move(first)),
        second_(std::move(second)),
        name_(std::string(first_->name()) + " + " + std::string(second_->name())) {}

  Result<std::vector<Detection>> detect(image::ImageView picture,
                                        const DetectOptions& options) override {
    MIEN_ASSIGN_OR_RETURN(std::vector<Detection> out, first_->detect(picture, options));
    MIEN_ASSIGN_OR_RETURN(const std::vector<Detection> more, second_->detect(picture, options));
    const std::size_t known = out.size();
    for (const Detection& one : more) {
      const auto end = out.begin() + static_cast<std::ptrdiff_t>(known);
      const bool again = std::any_of(out.begin(), end, [&](const Detection& other) {
        return image::iou(one.box, other.box) > kSameFace;
      });
      if (!again) out.push_back(one);
    }
    std::stable_sort(out.begin(), out.end(),
                     [](const Detection& a, const Detection& b) { return a.score > b.score; });
    return out;
  }

  float smallest_face() const override { return first_->smallest_face(); }
  std::unique_ptr<FaceDetector> clone() const override {
    auto first = first_->clone(), second = second_->clone();
    if (first == nullptr || second == nullptr) return nullptr;
    return std::make_unique<Joined>(std::move(first), std::move(second));
  }
  std::string_view name() const override { return name_; }
  std::string identity() const override { return first_->identity() + " + " + second_->identity(); }

 private:
  std::unique_ptr<FaceDetector> first_, second_;
  std::string name_;
};

}  // namespace

std::unique_ptr<FaceDetector> make_joined_detector(std::unique_ptr<FaceDetector> first,
                                                   std::unique_ptr<FaceDetector> second) {
  MIEN_CHECK(first != nullptr && second != nullptr);
  return std::make_unique<Joined>(std::move(first), std::move(second));
}

}  // namespace mien::face
