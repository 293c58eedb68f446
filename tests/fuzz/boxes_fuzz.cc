#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "face/boxes_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto file = mien::face::BoxesFile::parse(text, "fuzz");
  if (!file.ok()) return 0;
  for (const char* name : {"", "a.png", "p/a.png"}) {
    const auto boxes = file->find(name, 0, 640, 480);
    if (!boxes.ok()) continue;
    for (const mien::image::Box& box : *boxes) {
      if (!(box.area() > 0) || !std::isfinite(box.x) || !std::isfinite(box.y)) std::abort();
    }
  }
  return 0;
}
