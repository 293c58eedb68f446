#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mien/core/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = mien::Json::parse({reinterpret_cast<const char*>(data), size});
  if (!parsed.ok()) return 0;
  // Printed JSON must parse to the same value.
  const auto again = mien::Json::parse(parsed->dump());
  if (!again.ok() || !(*again == *parsed)) std::abort();
  return 0;
}
