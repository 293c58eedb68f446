#pragma once

#include <string>
#include <string_view>

#include "mien/core/status.h"

namespace mien::data {

/// Converts GBK text to UTF-8; text that is well-formed UTF-8 is returned unchanged.
/// Errors: kCorrupt naming "subject:line" of bytes that are neither; kUnsupported when the system
/// cannot convert.
Result<std::string> text_from_gbk(std::string_view text, std::string_view subject);

}  // namespace mien::data
