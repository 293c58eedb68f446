#include "nn/tower.h"

#include "mien/core/check.h"

namespace mien::nn {

torch::Tensor ImageTowerModule::first_map(const torch::Tensor& /*pixels*/) {
  MIEN_CHECK(has_first_map());
  return {};
}

std::vector<std::pair<std::string, torch::Tensor>> ImageTowerModule::published() const {
  std::vector<std::pair<std::string, torch::Tensor>> out;
  for (const auto& item : named_parameters()) out.emplace_back(item.key(), item.value());
  for (const auto& item : named_buffers()) out.emplace_back(item.key(), item.value());
  return out;
}

std::vector<std::pair<std::string, torch::Tensor>> TextTowerModule::published() const {
  std::vector<std::pair<std::string, torch::Tensor>> out;
  for (const auto& item : named_parameters()) out.emplace_back(item.key(), item.value());
  return out;
}

}  // namespace mien::nn
