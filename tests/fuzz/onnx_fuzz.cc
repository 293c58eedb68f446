#include <cstdint>
#include <cstdlib>
#include <span>

#include "checkpoint/onnx.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mien::Limits limits;
  limits.max_tensors = 1000;
  const auto parsed =
      mien::checkpoint::parse_onnx(std::as_bytes(std::span(data, size)), "fuzz", limits);
  if (!parsed.ok()) return 0;
  std::size_t used = 0;
  unsigned sum = 0;
  for (const auto& [name, view] : parsed->weights) {
    used += view.bytes().size();
    for (const std::byte b : view.bytes()) sum += std::to_integer<unsigned>(b);
  }
  if (used > size || sum > 255U * size) std::abort();
  return 0;
}
