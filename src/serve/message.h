#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/core/json.h"
#include "mien/core/status.h"

namespace mien::serve {

/// Names and values, percent-decoded, in the order of the request.
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// What is known of a request before its body is read.
struct RequestHead {
  std::string method;
  std::string path;  ///< percent-decoded, without the query
  Pairs query;
  std::string host;
  std::string origin;
  std::string authorization;
  std::string content_type;
  std::string protocols;  ///< Sec-WebSocket-Protocol
  std::string if_none_match;
  bool upgrade = false;  ///< asks for a WebSocket
};

/// The answer to a request. The server adds length, date and security headers.
struct Answer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::filesystem::path file = {};  ///< sent instead of `body`
  Pairs headers = {};
};
/// Receives the answer; may be called in any thread, once.
using Reply = std::function<void(Answer)>;

/// An answer with a JSON body.
Answer json_answer(int status, const Json& body);
/// The error body of docs/reference/http.md. Precondition: !status.ok().
Answer error_answer(int http_status, std::string_view input, const Status& status);
/// The HTTP status of a problem with a request.
int http_status_of(const Status& status);
/// 503 with Retry-After.
Answer busy_answer(std::string_view why);

}  // namespace mien::serve
