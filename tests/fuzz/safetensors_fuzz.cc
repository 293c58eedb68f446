#include <cstdint>
#include <cstdlib>
#include <span>

#include "checkpoint/name_map.h"
#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mien::Limits limits;
  limits.max_tensors = 1000;
  limits.max_header_bytes = 1 << 20;
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto parsed = mien::checkpoint::parse_safetensors(bytes, "fuzz", limits);
  if (!parsed.ok()) return 0;
  std::size_t used = 0;
  unsigned sum = 0;
  for (const auto& [name, view] : (*parsed)->tensors()) {
    used += view.bytes().size();
    for (const std::byte b : view.bytes()) sum += std::to_integer<unsigned>(b);
  }
  // Every byte belongs to one tensor.
  if (used > size || sum > 255U * size) std::abort();
  for (const auto naming :
       {mien::checkpoint::ClipNaming::kOpenAi, mien::checkpoint::ClipNaming::kHuggingFace,
        mien::checkpoint::ClipNaming::kOpenClip}) {
    (void)mien::checkpoint::infer_clip_shape(**parsed, naming);
  }
  return 0;
}
