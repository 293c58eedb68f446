#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "mien/methods/method.h"

namespace mien::methods {

// Plain steps along the sign of the gradient on what the method says; the trainer has tests of its
// own.
inline StepOutput run_plain_steps(Method& method, int stage, int epochs, double lr) {
  const auto groups = method.begin_stage(stage);
  StepOutput last;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    EXPECT_TRUE(method.begin_epoch(stage, epoch, 0).ok());
    for (std::int64_t s = 0; s < method.steps_per_epoch(stage); ++s) {
      auto output = method.step();
      EXPECT_TRUE(output.ok()) << output.status().message();
      last = std::move(*output);
      last.loss.backward();
      const at::NoGradGuard no_grad;
      for (const auto& group : groups) {
        for (const auto& [name, tensor] : group.parameters) {
          if (!tensor.grad().defined()) continue;
          torch::Tensor(tensor).add_(tensor.grad().sign(), -lr * group.lr_factor);
          tensor.grad().zero_();
        }
      }
    }
  }
  return last;
}

}  // namespace mien::methods
