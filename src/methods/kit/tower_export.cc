#include "methods/kit/tower_export.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "nn/load.h"

namespace mien::methods {

void TowerExport::replace(const NamedTorchTensors& tensors) {
  for (const auto& [name, tensor] : tensors) {
    owned_[name] = tensor.detach().to(torch::kFloat32).contiguous();
  }
}

checkpoint::NamedTensors TowerExport::views(const engine::Architecture& architecture) const {
  const std::array<std::pair<std::string_view, bool>, 5> parts = {
      {{"temporal.", architecture.temporal.has_value()},
       {"neutral.", architecture.neutral.has_value()},
       {"mlp.", architecture.regression.has_value()},
       {"prompt.", architecture.prompt.has_value()},
       {"reciprocal.", architecture.reciprocal.has_value()}}};
  const auto replaced = [&](std::string_view part) {
    return std::any_of(owned_.begin(), owned_.end(),
                       [&](const auto& item) { return item.first.starts_with(part); });
  };
  const auto dropped = [&](std::string_view name) {
    return std::any_of(parts.begin(), parts.end(), [&](const auto& part) {
      return name.starts_with(part.first) && (!part.second || replaced(part.first));
    });
  };
  checkpoint::NamedTensors out;
  for (const auto& [name, view] : towers_.bundle().weights().tensors()) {
    const bool of_labels = name == engine::Bundle::kLabelFeatures || name == "logit_scale";
    if (!of_labels && !owned_.contains(name) && !dropped(name)) out.emplace_back(name, view);
  }
  for (const auto& [name, tensor] : owned_) out.emplace_back(name, nn::as_view(tensor));
  return out;
}

}  // namespace mien::methods
