#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "mien/methods/method.h"

namespace mien::methods {

/// {"war", ..}, {"uar", ..} in percent. Errors: kInvalidArgument without a sample.
Result<NamedValues> class_figures(std::size_t classes, const std::vector<std::int64_t>& truth,
                                  const std::vector<std::int64_t>& said);

}  // namespace mien::methods
