#include "nn/load.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <cstring>
#include <set>

#include "mien/core/check.h"

namespace mien::nn {
namespace {

Shape shape_of(const torch::Tensor& tensor) {
  return {tensor.sizes().begin(), tensor.sizes().end()};
}

}  // namespace

Result<torch::Tensor> to_torch(const TensorView& view) {
  const std::vector<std::int64_t>& shape = view.shape();
  if (view.dtype() == DType::kI64) {
    torch::Tensor out = torch::empty(shape, torch::kInt64);
    std::memcpy(out.data_ptr(), view.bytes().data(), view.bytes().size());
    return out;
  }
  torch::Tensor out = torch::empty(shape, torch::kFloat32);
  MIEN_RETURN_IF_ERROR(
      copy_to_f32(view, std::span(out.data_ptr<float>(), static_cast<std::size_t>(out.numel()))));
  return out;
}

TensorView as_view(const torch::Tensor& tensor) {
  MIEN_CHECK(tensor.is_contiguous() && tensor.device().is_cpu());
  const auto type = tensor.scalar_type();
  MIEN_CHECK(type == torch::kFloat32 || type == torch::kFloat64 || type == torch::kInt64);
  const DType dtype = type == torch::kFloat32   ? DType::kF32
                      : type == torch::kFloat64 ? DType::kF64
                                                : DType::kI64;
  return {dtype, shape_of(tensor),
          std::span(static_cast<const std::byte*>(tensor.data_ptr()),
                    static_cast<std::size_t>(tensor.nbytes()))};
}

Status load_by_name(const NamedTorchTensors& into, const checkpoint::Checkpoint& from,
                    const LoadOptions& options) {
  std::set<std::string, std::less<>> wanted;
  std::vector<torch::Tensor> values;
  for (const auto& [name, tensor] : into) {
    const std::string full = options.prefix + name;
    const TensorView* view = from.find(full);
    if (view == nullptr) {
      return corrupt(fmt::format("'{}': is missing (expected shape {})", full,
                                 mien::to_string(shape_of(tensor))));
    }
    if (view->shape() != shape_of(tensor)) {
      return corrupt(fmt::format("'{}': has shape {} (expected {})", full,
                                 mien::to_string(view->shape()),
                                 mien::to_string(shape_of(tensor))));
    }
    auto value = to_torch(*view);
    if (!value.ok()) return value.status().with_prefix(full);
    values.push_back(std::move(*value));
    wanted.insert(full);
  }
  if (options.strict) {
    for (const auto& [name, view] : from.tensors()) {
      if (name.starts_with(options.prefix) && !wanted.contains(name)) {
        return corrupt(fmt::format("'{}': is not part of this model", name));
      }
    }
  }
  const at::NoGradGuard copying;
  for (std::size_t i = 0; i < into.size(); ++i) {
    torch::Tensor(into[i].second).copy_(values[i]);
  }
  return {};
}

NamedTorchTensors named_parameters(const torch::nn::Module& module) {
  NamedTorchTensors out;
  for (const auto& item : module.named_parameters()) out.emplace_back(item.key(), item.value());
  return out;
}

}  // namespace mien::nn
