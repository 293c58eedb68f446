#include "engine/projection.h"

#include <fmt/format.h>

#include "engine/towers/table.h"

namespace mien::engine {

std::vector<std::string> joint_projections(const Architecture& architecture) {
  std::vector<std::string> out;
  const bool projects = with_kind(architecture.image, [](const auto& kind, const auto& sizes) {
    return kind.has_projection(sizes);
  });
  if (projects) out.emplace_back("visual.proj");
  if (architecture.text) {
    with_kind(*architecture.text, [&](const auto& kind, const auto& /*sizes*/) {
      out.insert(out.end(), kind.projections.begin(), kind.projections.end());
    });
  }
  return out;
}

Result<Tensor> fold_projection(const TensorView& projection, const TensorView& head) {
  const bool fits = projection.rank() == 2 && head.rank() == 2 && projection.dim(1) == head.dim(1);
  if (!fits) {
    return corrupt(
        fmt::format("projection of shape {}, head of shape {} (expected [in, embed] and "
                    "[width, embed])",
                    mien::to_string(projection.shape()), mien::to_string(head.shape())));
  }
  const auto in = static_cast<std::size_t>(projection.dim(0));
  const auto embed = static_cast<std::size_t>(projection.dim(1));
  const auto width = static_cast<std::size_t>(head.dim(0));
  std::vector<float> first(projection.size()), second(head.size());
  MIEN_RETURN_IF_ERROR(copy_to_f32(projection, first));
  MIEN_RETURN_IF_ERROR(copy_to_f32(head, second));
  Tensor out(DType::kF32, {projection.dim(0), head.dim(0)});
  float* to = out.f32().data();
  for (std::size_t r = 0; r < in; ++r) {
    const float* a = first.data() + r * embed;
    for (std::size_t w = 0; w < width; ++w) {
      const float* b = second.data() + w * embed;
      double sum = 0;
      for (std::size_t i = 0; i < embed; ++i) {
        sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
      }
      *to++ = static_cast<float>(sum);
    }
  }
  return out;
}

}  // namespace mien::engine
