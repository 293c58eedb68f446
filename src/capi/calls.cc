#include "capi/calls.h"

#include <pthread.h>

#include <cstdlib>
#include <cstring>

#include "capi/handles.h"

namespace mien::capi {
namespace {

thread_local std::string last_error;

void lock_handles() { handle_mutex().lock(); }
void unlock_handles() { handle_mutex().unlock(); }

}  // namespace

std::mutex& handle_mutex() {
  static std::mutex mutex;
  // A thread may hold it while another one forks.
  static const int once = ::pthread_atfork(lock_handles, unlock_handles, unlock_handles);
  (void)once;
  return mutex;
}

std::uintptr_t next_handle() {
  static std::uintptr_t last = 0;  // guarded by handle_mutex()
  return last += 16;
}

mien_code settle(const Status& status) noexcept {
  if (status.ok()) return MIEN_OK;
  try {
    last_error = status.message();
  } catch (...) {
    last_error.clear();
  }
  return static_cast<mien_code>(status.code());
}

Status check_pointer(const void* pointer, std::string_view name, std::string_view what) {
  if (pointer != nullptr) return {};
  return invalid_argument(std::string(name) + ": is NULL (expected " + std::string(what) + ")");
}

Status bad_handle(std::string_view name) {
  return invalid_argument(std::string(name) +
                          ": not a valid handle (expected one that was made and is not freed)");
}

Status give_text(const std::string& text, char** out) {
  MIEN_RETURN_IF_ERROR(check_pointer(out, "out", "where the text goes"));
  auto* copy = static_cast<char*>(std::malloc(text.size() + 1));
  if (copy == nullptr) return resource_limit("out of memory");
  std::memcpy(copy, text.c_str(), text.size() + 1);
  *out = copy;
  return {};
}

}  // namespace mien::capi

using namespace mien;  // NOLINT(google-build-using-namespace): the ABI has no namespace

static_assert(MIEN_INVALID_ARGUMENT == static_cast<int>(StatusCode::kInvalidArgument));
static_assert(MIEN_NOT_FOUND == static_cast<int>(StatusCode::kNotFound));
static_assert(MIEN_CORRUPT == static_cast<int>(StatusCode::kCorrupt));
static_assert(MIEN_UNSUPPORTED == static_cast<int>(StatusCode::kUnsupported));
static_assert(MIEN_RESOURCE_LIMIT == static_cast<int>(StatusCode::kResourceLimit));
static_assert(MIEN_IO == static_cast<int>(StatusCode::kIo));
static_assert(MIEN_CANCELLED == static_cast<int>(StatusCode::kCancelled));
static_assert(MIEN_INTERNAL == static_cast<int>(StatusCode::kInternal));

extern "C" {

const char* mien_version(void) { return MIEN_VERSION; }

const char* mien_code_name(mien_code status) {
  if (status < MIEN_OK || status > MIEN_INTERNAL) return "unknown";
  return to_string(static_cast<StatusCode>(status)).data();  // literals end with a zero byte
}

const char* mien_last_error(void) { return capi::last_error.c_str(); }

void mien_string_free(char* text) { std::free(text); }

}  // extern "C"
