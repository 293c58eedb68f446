#pragma once

// Checks where a bundle may be written. check_destination is in mien/convert/convert.h.

#include <filesystem>

#include "convert/source.h"
#include "mien/convert/convert.h"

namespace mien::convert {

/// Checks that writing to `destination` replaces no input. Errors: kInvalidArgument.
Status check_reads(const std::filesystem::path& source, const std::filesystem::path& destination,
                   const Options& options);

/// Checks that the weights that were found are outside `destination`. Errors: kInvalidArgument.
Status check_outside(const Source& source, const std::filesystem::path& destination);

}  // namespace mien::convert
