#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::face {

/// How a detector searches one picture.
struct DetectOptions {
  float scale = 1;      ///< the picture is resized by this factor before the search
  float min_score = 0;  ///< detections below are dropped
};

/// A face that a detector found, in pixels of the picture.
struct Detection {
  image::Box box;
  float score = 0;  ///< higher is more certain; 0 is the detector's own threshold
  /// Left eye, right eye, nose tip, left and right mouth corner, as seen in the picture.
  std::optional<std::array<image::Point, 5>> points = {};
};

/// Moves box and points by (x, y): to a picture with `x` more pixels on the left and `y` above.
void shift(Detection& face, float x, float y);

/// Finds faces in a picture.
/// Threads: not thread-safe; one per worker.
class FaceDetector {
 public:
  virtual ~FaceDetector() = default;
  /// Faces, most certain first, in pixels of `picture` whatever the scale.
  /// Errors: kInvalidArgument for a scale that is not positive, kResourceLimit when the resized
  /// picture is larger than Limits allows.
  virtual Result<std::vector<Detection>> detect(image::ImageView picture,
                                                const DetectOptions& options) = 0;
  /// Width in pixels of the smallest face found at scale 1.
  virtual float smallest_face() const { return 80; }
  /// Another detector of the same kind for another thread; nullptr when it cannot be copied.
  virtual std::unique_ptr<FaceDetector> clone() const { return nullptr; }
  /// What runs, for logs, for example "dlib-hog (avx2)".
  virtual std::string_view name() const = 0;
  /// The name, and what tells apart two detectors of one name (a hash of the weights), so that
  /// their results are not mixed in one file.
  virtual std::string identity() const { return std::string(name()); }
};

/// Instruction set of the HOG filters; kAuto: the widest that kernels::active_isa() allows.
enum class HogIsa { kAuto, kGeneric, kAvx2, kAvx512 };

/// The filters of dlib's frontal face detector (five HOG filters, sliding window) in our own
/// loops. It uses luminance only. The smallest face it finds is 80 pixels wide after resizing;
/// boxes are square, from the brows to the chin. Errors: kUnsupported when this machine cannot run
/// `isa`. Source: Davis King, dlib 19, frontal_face_detector.
Result<std::unique_ptr<FaceDetector>> make_hog_detector(HogIsa isa = HogIsa::kAuto);

/// Two detectors as one: the faces of `first`, and those of `second` that overlap none of them by
/// an IoU above 0.3. Scales, and smallest_face(), are those of `first`. Errors: of detect(), those
/// of both. Owns: both. Precondition: neither is nullptr.
std::unique_ptr<FaceDetector> make_joined_detector(std::unique_ptr<FaceDetector> first,
                                                   std::unique_ptr<FaceDetector> second);

}  // namespace mien::face
