#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "methods/face_detector/options.h"
#include "methods/face_detector/pictures.h"
#include "mien/core/rng.h"
#include "mien/engine/detector.h"
#include "mien/face/detector.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// Asks a detector what it sees in a picture as it is, without the squares that it makes of boxes.
/// Surest first, overlapping ones left out. Threads: safe from several.
std::vector<face::Detection> ask_teacher(const engine::DetectorBundle& teacher,
                                         image::ImageView picture, float least);

/// The one face of a crop, in its pixels; nothing without a face, or with several. Small crops are
/// enlarged, and tight ones get a border, so that the teacher sees the face.
std::optional<face::Detection> only_face(const engine::DetectorBundle& teacher,
                                         image::ImageView crop);

/// Pictures of one face each, with box and points. Immutable; safe from several threads.
class FaceBank {
 public:
  struct Face {
    StoredPicture picture;
    face::Detection found;
  };

  /// Lists the manifests and asks the teacher about every crop; its answers are kept in
  /// context.cache. Errors: those of list_crops, of the cache; kInvalidArgument when no crop has a
  /// face, in either part; kCancelled.
  static Result<std::shared_ptr<const FaceBank>> open(const FaceDataOptions& options,
                                                      const engine::DetectorBundle& teacher,
                                                      const MethodContext& context);

  /// A bank of one set of known faces. Precondition: both parts have some.
  static std::shared_ptr<const FaceBank> of(std::vector<Face> training,
                                            std::vector<Face> validation);

  /// A face of the training or the validation part. The manifest is drawn by its share, then one of
  /// its faces.
  const Face& draw(bool validation, Rng& rng) const;
  std::size_t size(bool validation) const;

 private:
  struct Set {
    int share = 1;
    std::array<std::vector<Face>, 2> faces;  ///< training, validation
  };
  std::vector<Set> sets_;
};

}  // namespace mien::methods
