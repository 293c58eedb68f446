#include <cstdint>
#include <cstdlib>
#include <span>

#include "mien/video/source.h"

// Probes and decodes a few frames under tight limits; then seeks and decodes again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mien::video::OpenOptions options;
  options.limits.max_pixels = 256 * 256;
  options.limits.max_dimension = 1024;
  options.limits.max_frames = 64;
  options.limits.max_seconds = 600;
  constexpr int kFrames = 8;
  auto source = mien::video::open_memory(std::as_bytes(std::span(data, size)), options);
  if (!source.ok()) return 0;
  std::int64_t last = -1;
  for (int i = 0; i < kFrames; ++i) {
    const auto frame = (*source)->next();
    if (!frame.ok() || !*frame) break;
    const auto& image = (*frame)->image;
    if (image.empty() || (*frame)->timestamp_us <= last) std::abort();
    if (image.width() > 1024 || image.height() > 1024) std::abort();
    last = (*frame)->timestamp_us;
  }
  if (!(*source)->seek(last / 2).ok()) return 0;
  const auto again = (*source)->next();
  if (again.ok() && *again && (*again)->image.empty()) std::abort();
  return 0;
}
