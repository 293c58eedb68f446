#pragma once

#include <map>
#include <string>
#include <vector>

#include "methods/kit/towers.h"
#include "mien/checkpoint/safetensors.h"

namespace mien::methods {

/// Tensors of a new bundle that has the towers of another: what is not replaced is copied as it is
/// stored, whatever its type. Labels, temporal model, neutral face and regression head are those of
/// the new bundle or none. Borrows the towers.
class TowerExport {
 public:
  explicit TowerExport(const Towers& towers) : towers_(towers) {}

  /// As float32 under these names.
  void replace(const NamedTorchTensors& tensors);
  /// Valid while this object and the towers live.
  checkpoint::NamedTensors views() const;

 private:
  const Towers& towers_;
  std::map<std::string, torch::Tensor> owned_;
};

}  // namespace mien::methods
