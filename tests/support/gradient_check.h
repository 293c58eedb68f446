#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mien::test {

/// Types of golden numbers and gradients, and of class indices.
inline const at::TensorOptions kDouble = at::dtype(at::kDouble);
inline const at::TensorOptions kLong = at::dtype(at::kLong);

/// Compares autograd with central differences in float64, at up to `places` entries of every
/// tensor. `f` computes a scalar from the current values of `tensors`.
inline void expect_gradients(const std::function<at::Tensor()>& f,
                             const std::vector<std::pair<std::string, at::Tensor>>& tensors,
                             std::int64_t places = 6) {
  for (const auto& [name, tensor] : tensors) {
    at::Tensor(tensor).set_requires_grad(true);
    if (tensor.grad().defined()) at::Tensor(tensor).mutable_grad() = at::Tensor();
  }
  f().backward();
  const at::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (const auto& [name, tensor] : tensors) {
    ASSERT_TRUE(tensor.grad().defined()) << name;
    ASSERT_EQ(tensor.scalar_type(), at::kDouble) << name;
    at::Tensor flat = tensor.view(-1);
    const at::Tensor grad = tensor.grad().reshape(-1);
    const std::int64_t count = flat.numel();
    for (std::int64_t p = 0; p < std::min(places, count); ++p) {
      const std::int64_t i = p * count / std::min(places, count);
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = f().item<double>();
      flat[i] = value - kStep;
      const double below = f().item<double>();
      flat[i] = value;
      EXPECT_NEAR((above - below) / (2 * kStep), grad[i].item<double>(),
                  1e-6 * std::max(1.0, std::abs(grad[i].item<double>())))
          << name << " at " << i;
    }
  }
}

}  // namespace mien::test
