#pragma once

#include <map>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "methods/kit/towers.h"

namespace mien::methods {

/// Tensors of a new bundle that has the towers of another: what is not replaced is copied as it is
/// stored, whatever its type. Borrows the towers.
class TowerExport {
 public:
  explicit TowerExport(const Towers& towers) : towers_(towers) {}

  /// As float32 under these names.
  void replace(const NamedTorchTensors& tensors);
  /// The tensors of a bundle with this architecture. A part beside the towers (a temporal model, a
  /// regression head, ...) is copied from the first bundle only if the architecture still has it
  /// and none of its tensors is replaced. Valid while this object and the towers live.
  checkpoint::NamedTensors views(const engine::Architecture& architecture) const;

 private:
  const Towers& towers_;
  std::map<std::string, torch::Tensor> owned_;
};

}  // namespace mien::methods
