#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mien/engine/bundle.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto info =
      mien::engine::BundleInfo::parse({reinterpret_cast<const char*>(data), size}, "bundle.json");
  if (!info.ok()) return 0;
  // Every accepted bundle must print in a form that is accepted again.
  if (!mien::engine::BundleInfo::parse(info->to_json().dump(), "again").ok()) std::abort();
  (void)mien::engine::expected_tensors(info->architecture);
  return 0;
}
