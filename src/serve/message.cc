#include "serve/message.h"

#include "mien/report/json_lines.h"

namespace mien::serve {

Answer json_answer(int status, const Json& body) {
  Answer out;
  out.status = status;
  out.body = report::json_line(body);
  return out;
}

Answer error_answer(int http_status, std::string_view input, const Status& status) {
  return json_answer(http_status, report::error_to_json(input, status));
}

int http_status_of(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk: return 200;
    case StatusCode::kInvalidArgument: return 400;
    case StatusCode::kNotFound: return 404;
    case StatusCode::kCorrupt: return 422;
    case StatusCode::kUnsupported: return 415;
    case StatusCode::kResourceLimit: return 413;
    case StatusCode::kCancelled: return 503;
    case StatusCode::kIo:
    case StatusCode::kInternal: break;
  }
  return 500;
}

Answer busy_answer(std::string_view why) {
  Answer out = error_answer(503, "request", resource_limit(std::string(why)));
  out.headers.emplace_back("Retry-After", "1");
  return out;
}

}  // namespace mien::serve
