#pragma once

#include <cstdint>

#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/face/finder.h"

namespace mien::eval {

/// Whether the pictures of a data set are face crops or show more than a face.
struct FaceChoice {
  std::int64_t looked_at = 0;  ///< pictures
  std::int64_t crops = 0;      ///< filled by a face, or small squares
  std::int64_t frames =
      0;  ///< in which a face fills only a part; the remaining pictures show no face

  /// kWhole for crops; kAuto if more of the pictures are frames.
  face::Mode mode() const { return frames > crops ? face::Mode::kAuto : face::Mode::kWhole; }
};

/// Inspects the middle frame of up to 24 evenly spaced samples and searches them with the settings
/// of `finder` (except its mode). Skips pictures that cannot be read.
/// Errors: those of make_finder and of the detector.
Result<FaceChoice> look_for_faces(const data::Manifest& manifest, face::FinderOptions finder,
                                  const Limits& limits = {});

}  // namespace mien::eval
