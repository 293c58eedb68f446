#include <cstdint>
#include <cstdlib>

#include "face/landmarks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using mien::face::LandmarkModel;
  const auto model = LandmarkModel::parse(std::as_bytes(std::span(data, size)), "fuzz");
  if (!model.ok()) return 0;
  mien::image::Image picture(9, 7);
  for (std::size_t i = 0; i < picture.pixels().size() && i < size; ++i) {
    picture.pixels()[i] = data[i];
  }
  const auto points = (*model)->predict(picture, {-2, 1, 8, 8});
  if (points.size() != static_cast<std::size_t>((*model)->point_count())) std::abort();
  return 0;
}
