#pragma once

#include <cstdint>

#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/face/finder.h"

namespace mien::eval {

/// Whether the pictures of a data set are face crops or show more than a face.
struct FaceChoice {
  std::int64_t looked_at = 0;  ///< pictures
  std::int64_t crops = 0;      ///< that a face fills, and small squares
  std::int64_t frames = 0;     ///< in which a face fills a part only; the rest shows no face

  /// Crops are taken whole; faces are searched for where more pictures are frames.
  face::Mode mode() const { return frames > crops ? face::Mode::kAuto : face::Mode::kWhole; }
};

/// Looks at the middle frame of up to 24 samples, evenly spaced, and searches them as `finder` says
/// (its mode aside). Pictures that cannot be read are passed over.
/// Errors: those of make_finder and of the detector.
Result<FaceChoice> look_for_faces(const data::Manifest& manifest, face::FinderOptions finder,
                                  const Limits& limits = {});

}  // namespace mien::eval
