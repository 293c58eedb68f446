#pragma once

#include <string>
#include <string_view>

#include "mien/core/status.h"
#include "serve/message.h"

namespace mien::serve {

/// Decodes %XX, and "+" as a blank if `plus`. Errors: kInvalidArgument for a broken escape, a
/// control character or ill-formed UTF-8 in the result.
Result<std::string> percent_decode(std::string_view text, bool plus);

/// A request target: "/path?name=value&...".
struct Target {
  std::string path;
  Pairs query;
};
/// Errors: kInvalidArgument when it does not start with a slash or an escape is broken;
/// kResourceLimit for more than 64 parameters.
Result<Target> parse_target(std::string_view target);

/// The bytes of standard or URL-safe base64; blanks and line ends between them are skipped, a
/// leading "data:...;base64," too. Errors: kInvalidArgument.
Result<std::string> decode_base64(std::string_view text);

/// The value of a header without its parameters, in lower case: "text/html; charset=x" ->
/// "text/html".
std::string media_type(std::string_view header);
/// A parameter of a header: boundary in `multipart/form-data; boundary="x"`; empty if absent.
std::string header_parameter(std::string_view header, std::string_view name);

/// Whether two texts are equal; the time does not depend on where they differ.
bool equal_in_constant_time(std::string_view a, std::string_view b);

/// The name in a Host header without port and brackets, in lower case.
std::string host_name(std::string_view host);
/// Whether a host name, or an address to listen on, is of the loopback interface.
bool is_loopback(std::string_view host);

}  // namespace mien::serve
