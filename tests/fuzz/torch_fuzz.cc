#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/torch_zip.h"
#include "unit/checkpoint/builders.h"

namespace {

void read_all(std::span<const std::byte> bytes) {
  mien::Limits limits;
  limits.max_tensors = 1000;
  limits.max_header_bytes = 1 << 20;
  limits.max_file_bytes = 1 << 22;  // bounds what may be unpacked
  std::vector<std::string> skipped;
  const auto parsed = mien::checkpoint::parse_torch(bytes, "fuzz", limits, &skipped);
  if (!parsed.ok()) return;
  unsigned sum = 0;
  for (const auto& [name, view] : (*parsed)->tensors()) {
    if (view.bytes().size() > bytes.size() + limits.max_file_bytes) std::abort();
    for (const std::byte b : view.bytes().first(std::min<std::size_t>(4096, view.bytes().size()))) {
      sum += std::to_integer<unsigned>(b);
    }
  }
  if (sum == 1) (*parsed)->release({});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read_all(bytes);
  // The same bytes as the pickle of an archive, because a fuzzer never guesses checksums.
  if (size > 0 && data[0] == 0x80) {
    const std::string program(reinterpret_cast<const char*>(data), size);
    mien::test::ZipBuilder zip;
    zip.add("a/data.pkl", program).add("a/data/0", std::string(64, '\x3c'));
    read_all(mien::test::bytes_of(zip.build()));
    read_all(mien::test::bytes_of(zip.add("a/constants.pkl", "").build()));
  }
  return 0;
}
