#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/lines.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/detector.h"
#include "mien/image/image.h"

namespace mien::engine {

/// A 1 x 1 convolution and a 3 x 3 one that keeps channels apart.
struct SeparableLayer {
  kernels::LineConvolution point;
  kernels::LineDepthwiseConvolution depth;

  std::int64_t out() const { return depth.channels(); }
};

/// Scratch memory of one worker: its buffers grow with the largest picture and are used again.
struct PyramidScratch {
  std::vector<kernels::Buffer> buffers;
  std::size_t taken = 0;

  float* take(std::int64_t values);  ///< until the next picture
};

/// Answers of one place, in the order of the tensors: is it a face, is anything there (before the
/// sigmoid), box, points.
constexpr int kAnswers = 16;

/// What a network says of a picture, per level from the finest. Shape: values [height, width,
/// kAnswers].
struct PyramidMap {
  const float* values = nullptr;
  std::int64_t height = 0, width = 0;
  int stride = 0;
};

/// The face that a place says, in pixels of the picture that was searched; nothing where an answer
/// is not a number, or the score is below `least`. Source: the decoding of libfacedetection.train
/// and of OpenCV's FaceDetectorYN.
std::optional<face::Detection> face_at(const PyramidMap& map, std::int64_t x, std::int64_t y,
                                       float least);
/// Of boxes that overlap, the one with the best score; best first. Reorders `candidates`.
std::vector<face::Detection> without_overlaps(std::vector<face::Detection>& candidates,
                                              double overlap);

/// A network packed for this CPU. Immutable; shared by threads. A picture runs through its first
/// layers line by line: only the maps of the pyramid are ever held whole.
class Pyramid {
 public:
  /// Precondition: `weights` has detector_tensors(sizes).
  static Result<std::shared_ptr<const Pyramid>> load(const checkpoint::Checkpoint& weights,
                                                     const PyramidSizes& sizes);

  /// The picture is continued in black to whole places of the coarsest level. The maps lie in
  /// `scratch`.
  std::vector<PyramidMap> run(image::ImageView picture, PyramidScratch& scratch) const;

 private:
  struct Stage {
    bool halve = false;
    std::vector<SeparableLayer> layers;
  };
  struct Level {
    SeparableLayer lateral;
    std::vector<SeparableLayer> shared;
    SeparableLayer answers;
  };

  PyramidSizes sizes_;
  kernels::LineConvolution stem_;
  std::vector<Stage> stages_;
  std::vector<Level> levels_;  // from the finest
};

}  // namespace mien::engine
