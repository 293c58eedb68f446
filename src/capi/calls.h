#pragma once

#include <exception>
#include <new>
#include <string>
#include <string_view>

#include "mien/c/mien.h"
#include "mien/core/json.h"
#include "mien/core/status.h"

namespace mien::capi {

/// Keeps the message for mien_last_error() and returns the code. Threads: of this thread only.
mien_code settle(const Status& status) noexcept;

/// Runs the body of a function of the ABI, which returns a Status: no exception leaves it.
template <class Body>
mien_code call(const Body& body) noexcept {
  try {
    return settle(body());
  } catch (const std::bad_alloc&) {
    return settle(Status(StatusCode::kResourceLimit, "out of memory"));
  } catch (const std::exception& problem) {
    return settle(Status(StatusCode::kInternal, problem.what()));
  } catch (...) {
    return settle(Status(StatusCode::kInternal, "unknown exception"));
  }
}

/// Runs the body of a function that returns a pointer: nullptr when it throws.
template <class Body>
auto look(const Body& body) noexcept -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    (void)settle(Status(StatusCode::kInternal, "unexpected exception"));
    return nullptr;
  }
}

/// "NAME: is NULL (expected WHAT)". Errors: kInvalidArgument when `pointer` is NULL.
Status check_pointer(const void* pointer, std::string_view name, std::string_view what);
/// What is wrong with a handle that stands for nothing.
Status bad_handle(std::string_view name);
/// A copy for mien_string_free. Errors: kInvalidArgument when `out` is NULL, kResourceLimit.
Status give_text(const std::string& text, char** out);

}  // namespace mien::capi
