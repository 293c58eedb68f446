#pragma once

#include <filesystem>

#include "mien/core/status.h"
#include "mien/image/decode.h"

namespace mien::capi {

/// libmien loads FFmpeg and the libraries of rarer picture formats on their first call, where a
/// missing file could not become a Status any more. These check for them before.
/// Errors: kUnsupported naming the file that the loader does not find.
Status check_clip_libraries();
/// Only for a format that such a library reads.
Status check_picture_libraries(image::Format format);
/// By the first bytes of a file; a file that cannot be read is left to its decoder.
Status check_picture_libraries(const std::filesystem::path& file);

}  // namespace mien::capi
