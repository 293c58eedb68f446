// Loads the libraries of clips and drawings on their first call: with their dependencies they are
// 120 files, which would take most of the start-up time of a program that only reads a picture.
#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

struct Function {
  const char* name;
  std::int64_t library;
};

// Ends as the system's loader does when it cannot start a program.
[[noreturn]] void give_up() {
  const char* why = ::dlerror();
  std::fprintf(stderr, "mien: error while loading shared libraries: %s\n",
               why != nullptr ? why : "unknown");
  std::_Exit(127);
}

}  // namespace

extern "C" {

// Made by cmake/late_stubs.sh.
extern const Function mien_late_functions[];
extern const char* const mien_late_libraries[];
extern std::atomic<void*> mien_late_slots[];

/// The address of function `index`; from now on calls go there directly. Threads: safe.
void* mien_late_load(int index) {
  const Function& function = mien_late_functions[index];
  void* const library = ::dlopen(mien_late_libraries[function.library], RTLD_LAZY | RTLD_LOCAL);
  if (library == nullptr) give_up();
  void* const address = ::dlsym(library, function.name);
  if (address == nullptr) give_up();
  mien_late_slots[index].store(address, std::memory_order_release);
  return address;
}
}
