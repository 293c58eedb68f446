#include <algorithm>
#include <utility>

#include "serve/multipart.h"
#include "serve/service.h"
#include "serve/target.h"

namespace mien::serve {
namespace {

Result<PictureBody> read_form(const std::string& content_type, const std::string& body,
                              AskReader reader) {
  MIEN_ASSIGN_OR_RETURN(const auto parts, parse_multipart(body, content_type));
  PictureBody out;
  bool found = false;
  for (const FormPart& part : parts) {
    if (part.name != "image") {
      MIEN_RETURN_IF_ERROR(reader.set(part.name, part.content));
      continue;
    }
    if (std::exchange(found, true)) return invalid_argument("image: given twice");
    out.bytes = part.content;
  }
  if (!found) return invalid_argument("form: has no part 'image'");
  out.ask = reader.ask();
  return out;
}

Result<PictureBody> read_json(const std::string& body, AskReader reader) {
  Limits limits;
  limits.max_json_depth = 8;
  auto json = Json::parse(body, limits);
  if (!json.ok()) return invalid_argument(json.status().with_prefix("body").message());
  if (!json->is_object()) return invalid_argument("body: is not a JSON object");
  PictureBody out;
  bool found = false;
  for (const auto& [name, value] : json->as_object()) {
    if (name != "image") {
      MIEN_RETURN_IF_ERROR(reader.set_json(name, value));
      continue;
    }
    if (!value.is_string()) return invalid_argument("image: is not a string (expected base64)");
    auto bytes = decode_base64(value.as_string());
    if (!bytes.ok()) return bytes.status().with_prefix("image");
    out.bytes = std::move(*bytes);
    found = true;
  }
  if (!found) return invalid_argument("body: has no member 'image'");
  out.ask = reader.ask();
  return out;
}

}  // namespace

Result<PictureBody> read_picture_body(const std::string& content_type, std::string body,
                                      AskReader reader) {
  const std::string type = media_type(content_type);
  if (type == "multipart/form-data") return read_form(content_type, body, std::move(reader));
  if (type == "application/json") return read_json(body, std::move(reader));
  return PictureBody{.ask = reader.ask(), .bytes = std::move(body)};
}

}  // namespace mien::serve
