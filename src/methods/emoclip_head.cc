// The regression side of EmoCLIP.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cmath>
#include <vector>

#include "methods/emoclip_run.h"
#include "mien/metrics/regression.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kHidden = 256;

std::vector<double> column(const torch::Tensor& rows, std::int64_t index) {
  const torch::Tensor values = rows.select(1, index).to(torch::kFloat64).contiguous();
  const auto* begin = values.data_ptr<double>();
  return {begin, begin + values.numel()};
}

}  // namespace

// Linear layers start as PyTorch's do. Names are those of the published downstream model.
void EmoclipMethod::prepare_head() {
  if (!regresses()) return;
  const std::int64_t width = model_.architecture.embed;
  const auto targets = static_cast<std::int64_t>(recipe_.data.targets.size());
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(in));
    head_.emplace_back(name + ".weight", torch::empty({out, in}).uniform_(-bound, bound));
    head_.emplace_back(name + ".bias", torch::empty({out}).uniform_(-bound, bound));
  };
  if (recipe_.training.head == "linear") {
    linear("mlp.0", width, targets);
    return;
  }
  linear("mlp.0", width, kHidden);
  linear("mlp.2", kHidden, targets);
}

// From the clip embedding as it is, not normalised.
torch::Tensor EmoclipMethod::predict_targets(const torch::Tensor& frames) {
  torch::Tensor x = model_.temporal ? model_.temporal->forward(frames) : frames.mean(1);
  x = at::linear(x, head_[0].second, head_[1].second);
  if (head_.size() == 4) x = at::linear(at::relu(x), head_[2].second, head_[3].second);
  return x;
}

torch::Tensor EmoclipMethod::targets_of(const data::Manifest& manifest,
                                        const std::vector<Clip>& clips) const {
  const auto width = static_cast<std::int64_t>(recipe_.data.targets.size());
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(clips.size()), width});
  auto* to = out.data_ptr<float>();
  for (const Clip& clip : clips) {
    for (const double value : manifest.samples[static_cast<std::size_t>(clip.place)].targets) {
      *to++ = static_cast<float>(value);
    }
  }
  return out;
}

Result<NamedValues> EmoclipMethod::target_figures(const torch::Tensor& truth,
                                                  const torch::Tensor& said) const {
  NamedValues out;
  metrics::RegressionError mean;
  const auto count = static_cast<double>(recipe_.data.targets.size());
  for (std::size_t t = 0; t < recipe_.data.targets.size(); ++t) {
    const auto index = static_cast<std::int64_t>(t);
    MIEN_ASSIGN_OR_RETURN(const metrics::RegressionError error,
                          metrics::regression_error(column(said, index), column(truth, index)));
    const std::string& name = recipe_.data.targets[t];
    out.emplace_back("pcc_" + name, error.pcc);
    out.emplace_back("ccc_" + name, error.ccc);
    out.emplace_back("mae_" + name, error.mae);
    out.emplace_back("rmse_" + name, error.rmse);
    mean.pcc += error.pcc / count;
    mean.ccc += error.ccc / count;
    mean.mae += error.mae / count;
    mean.rmse += error.rmse / count;
  }
  out.emplace_back("pcc", mean.pcc);
  out.emplace_back("ccc", mean.ccc);
  out.emplace_back("mae", mean.mae);
  out.emplace_back("rmse", mean.rmse);
  return out;
}

}  // namespace mien::methods
