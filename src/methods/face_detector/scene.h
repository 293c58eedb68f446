#pragma once

#include <array>
#include <memory>
#include <vector>

#include "methods/face_detector/bank.h"
#include "methods/face_detector/options.h"
#include "mien/core/rng.h"
#include "mien/face/detector.h"
#include "mien/image/image.h"

namespace mien::methods {

/// Largest face of a scene, in sides of its picture.
constexpr double kLargestShare = 1.1;

struct SceneFace {
  face::Detection face;
  bool sure = true;  ///< false: perhaps too small, too blurred or too far outside to be found
};

/// A picture to train or validate with.
struct Scene {
  image::Image picture;  ///< side x side
  bool composed = true;  ///< every face is known; else only the teacher knows them
  std::vector<SceneFace> faces = {};
};

/// What scenes are made of. Immutable.
struct SceneSources {
  std::shared_ptr<const FaceBank> bank;
  std::array<std::vector<image::Image>, 2> backgrounds;  ///< training, validation
  std::vector<StoredPicture> frames;                     ///< that train
};

/// Reads the backgrounds, without those in which the teacher sees a face, and lists the frames.
/// Errors: those of list_pictures; kInvalidArgument when a part has no background; kCancelled.
Result<SceneSources> load_scene_sources(const FaceDataOptions& options,
                                        std::shared_ptr<const FaceBank> bank,
                                        const engine::DetectorBundle& teacher,
                                        const MethodContext& context);

/// A composed picture: faces and other patches laid over a background, then lit, blurred, noisy,
/// or compressed. The same for the same state of `rng`. Errors: those of reading a face.
Result<Scene> compose_scene(const SceneOptions& options, const SceneSources& sources,
                            bool validation, Rng& rng);
/// A turned, scaled and mirrored part of a frame. Errors: those of reading it. Precondition: there
/// are frames.
Result<Scene> frame_scene(const SceneOptions& options, const SceneSources& sources, Rng& rng);
/// A picture to train with: one or the other, by options.frame_share.
Result<Scene> make_scene(const SceneOptions& options, const SceneSources& sources, Rng& rng);

}  // namespace mien::methods
