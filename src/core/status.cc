#include "mien/core/status.h"

namespace mien {

std::string_view to_string(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid_argument";
    case StatusCode::kNotFound: return "not_found";
    case StatusCode::kCorrupt: return "corrupt";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kResourceLimit: return "resource_limit";
    case StatusCode::kIo: return "io";
    case StatusCode::kCancelled: return "cancelled";
    case StatusCode::kInternal: return "internal";
  }
  return "internal";
}

Status Status::with_prefix(std::string_view prefix) const {
  if (ok()) return *this;
  // Do not repeat a prefix that the message already starts with.
  if (message_.size() > prefix.size() && message_.starts_with(prefix) &&
      message_[prefix.size()] == ':') {
    return *this;
  }
  return Status(code_, std::string(prefix) + ": " + message_);
}

Status invalid_argument(std::string m) { return {StatusCode::kInvalidArgument, std::move(m)}; }
Status not_found(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
Status corrupt(std::string m) { return {StatusCode::kCorrupt, std::move(m)}; }
Status unsupported(std::string m) { return {StatusCode::kUnsupported, std::move(m)}; }
Status resource_limit(std::string m) { return {StatusCode::kResourceLimit, std::move(m)}; }
Status io_error(std::string m) { return {StatusCode::kIo, std::move(m)}; }
Status cancelled(std::string m) { return {StatusCode::kCancelled, std::move(m)}; }
Status internal_error(std::string m) { return {StatusCode::kInternal, std::move(m)}; }

void contract_failure(const char* condition, const char* file, int line) {
  throw ContractError(std::string(file) + ":" + std::to_string(line) +
                      ": broken precondition: " + condition);
}

}  // namespace mien
