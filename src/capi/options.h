#pragma once

#include "mien/c/mien.h"
#include "mien/core/status.h"
#include "mien/engine/bundle.h"
#include "mien/face/finder.h"
#include "mien/image/image.h"
#include "mien/pipeline/recognizer.h"

namespace mien::capi {

/// A complete copy of the options of a caller that may be older than the library: fields that it
/// does not know keep their defaults. `given` may be nullptr. Errors: kInvalidArgument for a size
/// that no version had.
Result<mien_bundle_options> complete(const mien_bundle_options* given);
Result<mien_face_options> complete(const mien_face_options* given);
Result<mien_recognizer_options> complete(const mien_recognizer_options* given);
Result<mien_clip_options> complete(const mien_clip_options* given);

/// Errors: kInvalidArgument for a value out of range; those of DetectorBundle::load.
Result<face::FinderOptions> finder_options(const mien_face_options* given);
/// Errors: as finder_options; kInvalidArgument for a word that is not known.
Result<pipeline::RecognizerOptions> recognizer_options(const mien_recognizer_options& given);
/// Errors: kInvalidArgument for a word that is not known, or a number of views.
Result<engine::BundleOptions> bundle_options(const mien_bundle_options& given);

/// RGB pixels: of the caller where they can be read in place, otherwise `copy`.
/// Errors: kInvalidArgument for memory, sizes, stride or format that do not match.
Result<image::ImageView> view_of(const mien_pixels* pixels, image::Image& copy);

}  // namespace mien::capi
