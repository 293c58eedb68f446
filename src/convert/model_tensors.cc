#include "convert/model_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/stored_precision.h"

namespace mien::convert {
namespace {

DType target_type(const checkpoint::Checkpoint& weights, const checkpoint::TensorSource& row,
                  std::optional<DType> wanted) {
  const DType first = weights.find(row.sources.front())->dtype();
  if (first == DType::kI8) return first;
  // Scales are few but apply to many values: storing them in 16 bits would save nothing.
  if (row.name == "logit_scale" || row.name.ends_with(engine::kScaleSuffix)) return DType::kF32;
  if (wanted) return *wanted;
  const bool same = std::all_of(row.sources.begin(), row.sources.end(), [&](const auto& name) {
    return weights.find(name)->dtype() == first;
  });
  const bool half = first == DType::kF16 || first == DType::kBF16;
  return same && half ? first : DType::kF32;
}

}  // namespace

void ModelTensors::replace(const std::string& name, Tensor tensor) {
  owned_.push_back(std::move(tensor));
  tensors_.at(name) = owned_.back().view();
}

void ModelTensors::add_view(std::string name, const TensorView& view) {
  order_.push_back(name);
  tensors_.emplace(std::move(name), view);
}

void ModelTensors::add(std::string name, Tensor tensor) {
  owned_.push_back(std::move(tensor));
  add_view(std::move(name), owned_.back().view());
}

Result<Tensor> cast_tensor(Tensor source, DType dtype, const std::string& name) {
  if (dtype == DType::kF32) return source;
  Tensor out(dtype, source.shape());
  const std::span<const float> from = source.f32();
  auto* const to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  for (std::size_t i = 0; i < from.size(); ++i) {
    to[i] = dtype == DType::kF16 ? float_to_half(from[i]) : float_to_bf16(from[i]);
    if (dtype == DType::kF16 && std::isfinite(from[i]) && !std::isfinite(half_to_float(to[i]))) {
      return invalid_argument(fmt::format(
          "--dtype: '{}' has {} (expected at most 65504 for f16; bf16 holds it)", name, from[i]));
    }
  }
  return out;
}

Status add_row(const checkpoint::Checkpoint& from, const checkpoint::TensorSource& row,
               std::optional<DType> dtype, ModelTensors& out) {
  const DType target = target_type(from, row, dtype);
  const TensorView& first = *from.find(row.sources.front());
  // Unchanged: the bytes go from file to file without a copy in memory.
  if (row.sources.size() == 1 && !row.transpose && first.dtype() == target) {
    out.add_view(row.name, first);
    return {};
  }
  MIEN_ASSIGN_OR_RETURN(Tensor gathered, checkpoint::gather(from, row));
  for (const std::string& name : row.sources) from.release(*from.find(name));
  MIEN_ASSIGN_OR_RETURN(Tensor ready, cast_tensor(std::move(gathered), target, row.name));
  out.add(row.name, std::move(ready));
  return {};
}

}  // namespace mien::convert
