#pragma once

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "mien/core/rng.h"
#include "mien/methods/method.h"

namespace mien::train {

/// Linear regression in two stages: weights first, then the offset. Data come from the seed.
class ToyMethod : public methods::Method {
 public:
  explicit ToyMethod(methods::Rank rank = {}, std::int64_t batch = 8) : rank_(rank), batch_(batch) {
    weight = torch::full({1, 3}, 0.1F, torch::kFloat32);
    offset = torch::zeros({1}, torch::kFloat32);
  }

  int stages() const override { return 2; }
  int epochs(int) const override { return 3; }
  methods::StageSettings settings(int stage) const override {
    return stage < static_cast<int>(stages_settings.size())
               ? stages_settings[static_cast<std::size_t>(stage)]
               : methods::StageSettings{};
  }
  std::vector<methods::ParameterGroup> begin_stage(int stage) override {
    weight.set_requires_grad(stage == 0);
    offset.set_requires_grad(stage == 1);
    return {
        {.name = "all",
         .parameters = {stage == 0 ? std::pair("weight", weight) : std::pair("offset", offset)}}};
  }
  methods::NamedTorchTensors state() override { return {{"weight", weight}, {"offset", offset}}; }
  std::int64_t steps_per_epoch(int) const override { return 7; }
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override {
    at_ = (stage * 100 + epoch) * 1000 + first_step;
    return {};
  }
  Result<methods::StepOutput> step() override {
    Rng rng(static_cast<std::uint64_t>(at_++));
    const std::int64_t all = batch_ * rank_.world;
    torch::Tensor x = torch::empty({all, 3});
    float* values = x.data_ptr<float>();
    for (std::int64_t i = 0; i < 3 * all; ++i) values[i] = static_cast<float>(rng.normal());
    x = x.narrow(0, rank_.rank * batch_, batch_);
    const torch::Tensor truth = at::matmul(x, torch::full({3, 1}, 0.5F)) + 1.0F;
    // Some dropout, so that the state of the generator matters.
    const torch::Tensor seen = drops ? at::dropout(x, 0.2, true) : x;
    torch::Tensor loss = (at::matmul(seen, weight.t()) + offset - truth).square().mean();
    if (at_ == nan_at) loss = loss * std::numeric_limits<double>::quiet_NaN();
    return methods::StepOutput{
        .loss = loss, .samples = batch_, .ids = {"a.png", "b.png"}, .values = {{"extra", 2.0}}};
  }
  Result<methods::NamedValues> validate(int, int) override {
    if (++validations == stopped_validation) return cancelled("validation: cancelled");
    if (!validates) return methods::NamedValues{};
    seen_by_validation = weight[0][0].item<double>();
    const double figure = figures.empty() ? -weight.sub(0.5).square().sum().item<double>()
                                          : figures[static_cast<std::size_t>(validations - 1)];
    return methods::NamedValues{{"war", figure}};
  }
  Status export_bundle(const std::filesystem::path&, bool) override { return {}; }

  torch::Tensor weight, offset;
  bool drops = true;
  std::int64_t nan_at = -1;
  int validations = 0;
  int stopped_validation = -1;
  bool validates = true;
  double seen_by_validation = 0;
  std::vector<double> figures = {};
  std::vector<methods::StageSettings> stages_settings = {};

 private:
  methods::Rank rank_;
  std::int64_t batch_;
  std::int64_t at_ = 0;
};

}  // namespace mien::train
