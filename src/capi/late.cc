#include "capi/late.h"

#include <dlfcn.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fstream>

// Made by cmake/late_stubs.sh. Weak: empty in a library that is linked in the usual way.
extern "C" {
struct mien_late_function {
  const char* name;
  std::int64_t library;
};
extern const mien_late_function mien_late_functions[] __attribute__((weak));
extern const char* const mien_late_libraries[] __attribute__((weak));
extern const std::int64_t mien_late_library_count __attribute__((weak));
extern std::atomic<void*> mien_late_slots[] __attribute__((weak));
void* mien_late_load(int index);
}

namespace mien::capi {
namespace {

// Once loaded, a library stays loaded.
Status load_all() {
  if (&mien_late_library_count == nullptr) return {};
  for (std::int64_t i = 0; i < mien_late_library_count; ++i) {
    if (::dlopen(mien_late_libraries[i], RTLD_LAZY | RTLD_LOCAL) != nullptr) continue;
    const char* why = ::dlerror();
    return unsupported(std::string("libraries: cannot be loaded (") +
                       (why != nullptr ? why : "unknown reason") + ")");
  }
  return {};
}

Status check_all() {
  static const Status found = load_all();
  return found;
}

// A function that is missing in a library of the right name: what the system's loader does, too.
void missing_function() { __builtin_trap(); }

}  // namespace

Status check_clip_libraries() { return check_all(); }

Status check_picture_libraries(image::Format format) {
  switch (format) {
    case image::Format::kTiff:
    case image::Format::kHeif:
    case image::Format::kJpeg2000: return check_all();
    default: return {};
  }
}

Status check_picture_libraries(const std::filesystem::path& file) {
  std::array<char, 64> head{};
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return {};
  std::ifstream stream(file, std::ios::binary);
  stream.read(head.data(), head.size());
  return check_picture_libraries(image::sniff(
      std::as_bytes(std::span(head)).first(static_cast<std::size_t>(stream.gcount()))));
}

}  // namespace mien::capi

extern "C" void* mien_late_load(int index) {
  const mien_late_function& function = mien_late_functions[index];
  void* const library = ::dlopen(mien_late_libraries[function.library], RTLD_LAZY | RTLD_LOCAL);
  void* const found = library == nullptr ? nullptr : ::dlsym(library, function.name);
  void* const address =
      found != nullptr ? found : reinterpret_cast<void*>(&mien::capi::missing_function);
  mien_late_slots[index].store(address, std::memory_order_release);
  return address;
}
