#include "train/optimiser.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/utils.h>

#include <cmath>

#include "nn/load.h"

namespace mien::train {
namespace {

constexpr std::int64_t kGrain = 32768;

// A parameter, its gradient and its moments can be changed in one pass over memory.
bool is_plain(const torch::Tensor& tensor) {
  return !tensor.defined() ||
         (tensor.scalar_type() == torch::kFloat32 && tensor.is_contiguous() && tensor.is_cpu());
}

struct SgdRates {
  float momentum, decay, lr;
};

// The same operations in the same order as with whole tensors, element by element.
void sgd_pass(const torch::Tensor& parameter, const torch::Tensor& moment, const SgdRates& rates) {
  auto* p = parameter.data_ptr<float>();
  auto* m = moment.data_ptr<float>();
  const auto* g = parameter.grad().data_ptr<float>();
  at::parallel_for(0, parameter.numel(), kGrain, [&](std::int64_t first, std::int64_t end) {
    for (std::int64_t i = first; i < end; ++i) {
      m[i] = m[i] * rates.momentum + (g[i] + rates.decay * p[i]);
      p[i] -= rates.lr * m[i];
    }
  });
}

}  // namespace

Optimiser::Optimiser(const TrainOptions& options, std::vector<methods::ParameterGroup> groups)
    : options_(options), groups_(std::move(groups)) {
  for (const methods::ParameterGroup& group : groups_) {
    slots_.emplace_back(group.parameters.size());
  }
}

void Optimiser::step(double lr) {
  const at::NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const methods::ParameterGroup& group = groups_[g];
    const double decay = group.weight_decay.value_or(options_.weight_decay);
    for (std::size_t p = 0; p < group.parameters.size(); ++p) {
      const torch::Tensor& parameter = group.parameters[p].second;
      if (!parameter.grad().defined()) continue;
      if (options_.optimiser == "sgd") {
        step_sgd(parameter, slots_[g][p], lr * group.lr_factor, decay);
      } else {
        step_adam(parameter, slots_[g][p], lr * group.lr_factor, decay);
      }
    }
  }
}

void Optimiser::step_sgd(const torch::Tensor& parameter, Slot& slot, double lr,
                         double decay) const {
  const bool plain = is_plain(parameter) && is_plain(parameter.grad()) && is_plain(slot.first);
  if (plain && options_.momentum != 0 && slot.first.defined()) {
    return sgd_pass(parameter, slot.first,
                    {.momentum = static_cast<float>(options_.momentum),
                     .decay = static_cast<float>(decay),
                     .lr = static_cast<float>(lr)});
  }
  torch::Tensor change = parameter.grad();
  if (decay != 0) change = change.add(parameter, decay);
  if (options_.momentum != 0) {
    if (slot.first.defined()) {
      slot.first.mul_(options_.momentum).add_(change);
    } else {
      slot.first = change.clone();
    }
    change = slot.first;
  }
  parameter.add_(change, -lr);
}

void Optimiser::step_adam(const torch::Tensor& parameter, Slot& slot, double lr,
                          double decay) const {
  torch::Tensor gradient = parameter.grad();
  if (decay != 0 && options_.optimiser == "adamw") {
    parameter.mul_(1 - lr * decay);
  } else if (decay != 0) {
    gradient = gradient.add(parameter, decay);
  }
  if (!slot.first.defined()) {
    slot.first = at::zeros_like(parameter);
    slot.second = at::zeros_like(parameter);
  }
  ++slot.steps;
  slot.first.mul_(options_.beta1).add_(gradient, 1 - options_.beta1);
  slot.second.mul_(options_.beta2).addcmul_(gradient, gradient, 1 - options_.beta2);
  const auto steps = static_cast<double>(slot.steps);
  const double correct_first = 1 - std::pow(options_.beta1, steps);
  const double correct_second = 1 - std::pow(options_.beta2, steps);
  const torch::Tensor scale = slot.second.sqrt().div_(std::sqrt(correct_second)).add_(options_.eps);
  parameter.addcdiv_(slot.first, scale, -lr / correct_first);
}

void Optimiser::zero_grad() {
  for (const methods::ParameterGroup& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) parameter.mutable_grad().reset();
  }
}

std::vector<torch::Tensor> Optimiser::gradients() {
  std::vector<torch::Tensor> out;
  for (const methods::ParameterGroup& group : groups_) {
    for (const auto& [name, parameter] : group.parameters) {
      torch::Tensor& gradient = parameter.mutable_grad();
      if (!gradient.defined()) gradient = at::zeros_like(parameter);
      out.push_back(gradient);
    }
  }
  return out;
}

double Optimiser::clip_norm(double largest) {
  double sum = 0;
  const std::vector<torch::Tensor> all = gradients();
  for (const torch::Tensor& gradient : all) {
    const double norm = gradient.norm().item<double>();
    sum += norm * norm;
  }
  const double norm = std::sqrt(sum);
  if (norm > largest) {
    for (const torch::Tensor& gradient : all) gradient.mul_(largest / (norm + 1e-6));
  }
  return norm;
}

methods::NamedTorchTensors Optimiser::state() const {
  methods::NamedTorchTensors out;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t p = 0; p < groups_[g].parameters.size(); ++p) {
      const Slot& slot = slots_[g][p];
      const std::string name = "optim/" + groups_[g].parameters[p].first;
      if (slot.first.defined()) out.emplace_back(name + "/first", slot.first);
      if (!slot.second.defined()) continue;
      out.emplace_back(name + "/second", slot.second);
      out.emplace_back(name + "/steps", torch::full({}, slot.steps, torch::kInt64));
    }
  }
  return out;
}

Status Optimiser::load(const checkpoint::Checkpoint& from) {
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    for (std::size_t p = 0; p < groups_[g].parameters.size(); ++p) {
      const auto& [name, parameter] = groups_[g].parameters[p];
      Slot& slot = slots_[g][p];
      const auto read = [&](const char* part, torch::Tensor& into) -> Status {
        const TensorView* view = from.find("optim/" + name + "/" + part);
        if (view == nullptr) return {};
        MIEN_ASSIGN_OR_RETURN(into, nn::to_torch(*view));
        return {};
      };
      torch::Tensor steps;
      MIEN_RETURN_IF_ERROR(read("first", slot.first));
      MIEN_RETURN_IF_ERROR(read("second", slot.second));
      MIEN_RETURN_IF_ERROR(read("steps", steps));
      for (const torch::Tensor& part : {slot.first, slot.second}) {
        if (part.defined() && part.sizes() != parameter.sizes()) {
          return corrupt("optim/" + name + ": shape differs from its parameter");
        }
      }
      if (steps.defined()) slot.steps = steps.item<std::int64_t>();
    }
  }
  return {};
}

}  // namespace mien::train
