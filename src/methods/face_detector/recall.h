#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "methods/face_detector/scene.h"
#include "mien/face/detector.h"

namespace mien::methods {

/// Faces from the answers of a picture, surest first, overlapping ones left out. Shape: answers
/// [places, kPlaceAnswers], grid [places, 3]. `least`: of a score, 0 to 1.
std::vector<face::Detection> faces_of(const torch::Tensor& answers, const torch::Tensor& grid,
                                      double least, double overlap);

/// Counts what was found in pictures whose faces are known.
class RecallMeter {
 public:
  /// `found` surest first. A face is found by the surest box that overlaps it by an IoU of 0.3 or
  /// more; other boxes are false alarms, but not those on faces that are not `sure`.
  void add(const std::vector<face::Detection>& found, const std::vector<SceneFace>& truth);

  struct Figure {
    double recall = 0;     ///< percent
    double threshold = 0;  ///< the lowest score with no more false alarms than wanted
  };
  /// At so many false alarms per picture. Precondition: faces() > 0.
  Figure at(double alarms) const;
  std::int64_t faces() const { return faces_; }

 private:
  struct Box {
    float score = 0;
    bool right = false;
  };
  std::vector<Box> boxes_;
  std::int64_t faces_ = 0, pictures_ = 0;
};

}  // namespace mien::methods
