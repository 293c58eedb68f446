#pragma once

#include <string>
#include <string_view>

#include "mien/methods/method.h"

namespace mien::methods {

/// Adds tensors to a list, their names behind a prefix.
inline void append(NamedTorchTensors& to, std::string_view prefix, const NamedTorchTensors& from) {
  for (const auto& [name, tensor] : from) to.emplace_back(std::string(prefix) + name, tensor);
}

/// The same tensors, their names behind a prefix.
inline NamedTorchTensors prefixed(std::string_view prefix, const NamedTorchTensors& tensors) {
  NamedTorchTensors out;
  append(out, prefix, tensors);
  return out;
}

}  // namespace mien::methods
