#include "methods/compact/face_shapes.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>

namespace mien::methods {

Result<FaceShapes> FaceShapes::of(const data::Manifest& manifest) {
  const auto count = static_cast<std::int64_t>(manifest.samples.size());
  const auto measures = static_cast<std::int64_t>(data::kGeometryMeasures);
  FaceShapes out{
      .faces = {}, .values = torch::zeros({count, measures}), .known = torch::zeros({count})};
  bool any = false;
  for (std::size_t i = 0; i < manifest.samples.size(); ++i) {
    MIEN_ASSIGN_OR_RETURN(const auto face, data::geometry_of(manifest.samples[i]));
    out.faces.push_back(face);
    if (!face) continue;
    any = true;
    const auto deviations = face->deviations();
    std::transform(deviations.begin(), deviations.end(),
                   out.values.data_ptr<float>() + i * deviations.size(),
                   [](double value) { return static_cast<float>(value); });
    out.known.data_ptr<float>()[i] = 1;
  }
  if (any) return out;
  return invalid_argument(manifest.name +
                          ": no sample has geo_* columns (expected a manifest made by `mien data "
                          "caption --landmarks`)");
}

}  // namespace mien::methods
