#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mien/core/check.h"

namespace mien {

/// What kind of problem stopped an operation. `apps` maps these to exit codes and HTTP statuses.
enum class StatusCode {
  kOk = 0,
  kInvalidArgument,
  kNotFound,
  kCorrupt,
  kUnsupported,
  kResourceLimit,
  kIo,
  kCancelled,
  kInternal,
};

/// The stable lower-case name of a code, for example "invalid_argument".
std::string_view to_string(StatusCode code);

/// The outcome of an operation that has no value. The message reads
/// "subject: problem (expected X, got Y)".
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status ok_status() { return Status(); }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same problem with "prefix: " in front of the message, unless it begins so already; ok
  /// stays ok.
  Status with_prefix(std::string_view prefix) const;

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

Status invalid_argument(std::string message);
Status not_found(std::string message);
Status corrupt(std::string message);
Status unsupported(std::string message);
Status resource_limit(std::string message);
Status io_error(std::string message);
Status cancelled(std::string message);
Status internal_error(std::string message);

/// A value, or the Status that says why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {  // NOLINT(google-explicit-constructor)
    MIEN_CHECK(!status_.ok());
  }
  template <class U>
  requires(std::is_convertible_v<U&&, T> && !std::is_same_v<std::remove_cvref_t<U>, Status> &&
           !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, T>) Result(U&& value)
      : value_(std::forward<U>(value)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Status& status() const { return status_; }

  /// Precondition: ok().
  T& value() & {
    MIEN_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    MIEN_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    MIEN_CHECK(ok());
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace mien

#define MIEN_CONCAT_INNER(a, b) a##b
#define MIEN_CONCAT(a, b) MIEN_CONCAT_INNER(a, b)

/// Returns the Status of `expr` from the enclosing function when it is not ok.
#define MIEN_RETURN_IF_ERROR(expr)                                                  \
  do {                                                                              \
    if (::mien::Status mien_status = (expr); !mien_status.ok()) return mien_status; \
  } while (false)

#define MIEN_ASSIGN_OR_RETURN_INNER(tmp, lhs, expr) \
  auto tmp = (expr);                                \
  if (!tmp.ok()) return tmp.status();               \
  lhs = std::move(tmp).value()

/// `MIEN_ASSIGN_OR_RETURN(auto image, decode(...));` unwraps a Result or returns its Status.
#define MIEN_ASSIGN_OR_RETURN(lhs, expr) \
  MIEN_ASSIGN_OR_RETURN_INNER(MIEN_CONCAT(mien_result_, __LINE__), lhs, expr)
