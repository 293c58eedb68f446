#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "serve/live.h"
#include "serve/multipart.h"
#include "serve/service.h"
#include "serve/target.h"

using namespace mien::serve;

namespace {

void check_form(std::string_view body) {
  const auto parts = parse_multipart(body, "multipart/form-data; boundary=XX");
  if (!parts.ok()) return;
  for (const FormPart& part : *parts) {
    const bool inside = part.content.empty() ||
                        (part.content.data() >= body.data() &&
                         part.content.data() + part.content.size() <= body.data() + body.size());
    if (!inside) std::abort();
  }
}

}  // namespace

// The first byte says what the others are: a target, a form, a body with JSON or a form, a message
// or a frame of a live connection, a stored job, or words.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::optional<std::int64_t> id;
  switch (data[0]) {
    case 't': {
      const auto target = parse_target(input);
      if (!target.ok()) break;
      AskReader reader(kPredict);
      for (const auto& [name, value] : target->query) (void)reader.set(name, value).ok();
      (void)match("GET", target->path);
      break;
    }
    case 'f': check_form(input); break;
    case 'j':
      (void)read_picture_body("application/json", std::string(input), AskReader(kPredict)).ok();
      break;
    case 'm':
      (void)read_picture_body("multipart/form-data; boundary=XX", std::string(input),
                              AskReader(kEmbed))
          .ok();
      break;
    case 'l': (void)parse_message(input, Ask(), id).ok(); break;
    case 'b': (void)parse_frame(input).ok(); break;
    case 's': (void)parse_job(input).ok(); break;
    case 'w': (void)read_labels(input).ok(); break;
    case 'h': (void)header_parameter(input, "name"); break;
    case '6': (void)decode_base64(input).ok(); break;
    default: break;
  }
  return 0;
}
