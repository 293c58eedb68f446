#pragma once

// Where a bundle may be written. check_destination is in mien/convert/convert.h.

#include <filesystem>

#include "convert/source.h"
#include "mien/convert/convert.h"

namespace mien::convert {

/// Whether writing to `destination` leaves everything alone that is read. Errors: kInvalidArgument.
Status check_reads(const std::filesystem::path& source, const std::filesystem::path& destination,
                   const Options& options);

/// Whether the weights that were found lie outside `destination`. Errors: kInvalidArgument.
Status check_outside(const Source& source, const std::filesystem::path& destination);

}  // namespace mien::convert
