#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"

namespace mien::serve {

/// One part of a form.
struct FormPart {
  std::string name;
  std::string file_name;
  std::string_view content;  ///< borrows from the body
};

/// The parts of a multipart/form-data body (RFC 7578). `content_type`: of the request. Errors:
/// kInvalidArgument for a form that is broken or ends early, a part without a name, a boundary that
/// is missing or too long; kResourceLimit for more than 64 parts or long part headers.
Result<std::vector<FormPart>> parse_multipart(std::string_view body, std::string_view content_type);

}  // namespace mien::serve
