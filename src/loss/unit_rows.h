#pragma once

#include <ATen/ATen.h>
#include <torch/types.h>

namespace mien::loss {

/// Rows of unit length; rows of zeros stay zero. Shape: [..., width] -> the same.
inline torch::Tensor unit_rows(const torch::Tensor& rows) {
  return rows / rows.norm(2, -1, true).clamp_min(1e-12);
}

}  // namespace mien::loss
