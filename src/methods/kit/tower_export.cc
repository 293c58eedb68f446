#include "methods/kit/tower_export.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr std::array<std::string_view, 5> kOwnParts = {"temporal.", "neutral.", "mlp.", "prompt.",
                                                       "reciprocal."};

}  // namespace

void TowerExport::replace(const NamedTorchTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    owned_[name] = tensor.detach().to(torch::kFloat32).contiguous();
  }
}

checkpoint::NamedTensors TowerExport::views() const {
  checkpoint::NamedTensors out;
  for (const auto& [name, view] : towers_.bundle().weights().tensors()) {
    const bool own = name == engine::Bundle::kLabelFeatures || name == "logit_scale" ||
                     std::any_of(kOwnParts.begin(), kOwnParts.end(),
                                 [&](std::string_view part) { return name.starts_with(part); });
    if (!own && !owned_.contains(name)) out.emplace_back(name, view);
  }
  for (const auto& [name, tensor] : owned_) out.emplace_back(name, nn::as_view(tensor));
  return out;
}

}  // namespace mien::methods
