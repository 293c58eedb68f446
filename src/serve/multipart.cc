#include "serve/multipart.h"

#include <fmt/format.h>

#include "serve/target.h"

namespace mien::serve {
namespace {

constexpr std::size_t kMostParts = 64;
constexpr std::size_t kMostHeaderBytes = 4096;  // of one part
constexpr std::size_t kMostBoundaryBytes = 70;  // RFC 2046
constexpr std::string_view kLineEnd = "\r\n";

// The headers of a part, each line without its end.
Status read_headers(std::string_view headers, FormPart& part) {
  while (!headers.empty()) {
    const std::string_view line = headers.substr(0, headers.find(kLineEnd));
    headers.remove_prefix(std::min(headers.size(), line.size() + kLineEnd.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      return invalid_argument("form: broken header of a part (expected NAME: VALUE)");
    }
    if (media_type(line.substr(0, colon)) != "content-disposition") continue;
    const std::string_view value = line.substr(colon + 1);
    if (media_type(value) != "form-data") {
      return invalid_argument("form: unknown kind of part (expected form-data)");
    }
    part.name = header_parameter(value, "name");
    part.file_name = header_parameter(value, "filename");
  }
  if (part.name.empty()) return invalid_argument("form: a part has no name");
  return {};
}

}  // namespace

Result<std::vector<FormPart>> parse_multipart(std::string_view body,
                                              std::string_view content_type) {
  const std::string boundary = header_parameter(content_type, "boundary");
  if (boundary.empty() || boundary.size() > kMostBoundaryBytes) {
    return invalid_argument(
        fmt::format("form: boundary is missing or too long (expected 1 to {} bytes, got {})",
                    kMostBoundaryBytes, boundary.size()));
  }
  const std::string first = "--" + boundary;
  const std::string next = std::string(kLineEnd) + first;
  std::size_t at = body.starts_with(first) ? first.size() : std::string_view::npos;
  if (at == std::string_view::npos) {  // a preamble may come before
    const std::size_t found = body.find(next);
    if (found != std::string_view::npos) at = found + next.size();
  }
  std::vector<FormPart> out;
  while (at != std::string_view::npos) {
    if (body.substr(at).starts_with("--")) return out;
    const std::size_t line = body.find_first_not_of(" \t", at);
    if (line == std::string_view::npos || !body.substr(line).starts_with(kLineEnd)) {
      return invalid_argument("form: broken boundary (expected the end of the line)");
    }
    if (out.size() == kMostParts) {
      return resource_limit(fmt::format("form: too many parts (expected at most {})", kMostParts));
    }
    const std::size_t headers = line + kLineEnd.size();
    const std::size_t length = body.substr(headers, kMostHeaderBytes).find("\r\n\r\n");
    if (length == std::string_view::npos) {
      if (body.size() - headers < kMostHeaderBytes) break;
      return resource_limit(fmt::format("form: long headers of a part (expected at most {} bytes)",
                                        kMostHeaderBytes));
    }
    FormPart part;
    MIEN_RETURN_IF_ERROR(read_headers(body.substr(headers, length), part));
    const std::size_t content = headers + length + 2 * kLineEnd.size();
    const std::size_t end = body.find(next, content - kLineEnd.size());
    if (end == std::string_view::npos) break;
    part.content = end < content ? std::string_view() : body.substr(content, end - content);
    out.push_back(std::move(part));
    at = end + next.size();
  }
  return invalid_argument("form: ends early (expected the closing boundary)");
}

}  // namespace mien::serve
