// The regression side of EmoCLIP.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <vector>

#include "methods/emoclip/train.h"
#include "mien/metrics/regression.h"

namespace mien::methods {
namespace {

constexpr int kHidden = 256;

std::vector<double> column(const torch::Tensor& rows, std::int64_t index) {
  const torch::Tensor values = rows.select(1, index).to(torch::kFloat64).contiguous();
  const auto* begin = values.data_ptr<double>();
  return {begin, begin + values.numel()};
}

Result<double> end_of(std::string_view text, const std::string& range) {
  double out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(out)) {
    return invalid_argument(
        fmt::format("emoclip.ranges: '{}' (expected LOW:HIGH, for example 1:7)", range));
  }
  return out;
}

// `ranges`: none, one for all, or one per target.
Result<std::vector<engine::RegressionTarget>> parse_targets(
    const std::vector<std::string>& names, const std::vector<std::string>& ranges) {
  if (ranges.size() > 1 && ranges.size() != names.size()) {
    return invalid_argument(
        fmt::format("emoclip.ranges: {} for {} targets (expected one per target, "
                    "or one for all)",
                    ranges.size(), names.size()));
  }
  std::vector<engine::RegressionTarget> out;
  for (std::size_t t = 0; t < names.size(); ++t) {
    engine::RegressionTarget target{.name = names[t]};
    if (!ranges.empty()) {
      const std::string& range = ranges[ranges.size() == 1 ? 0 : t];
      const std::string_view text = range;
      const std::size_t colon = std::min(text.find(':'), text.size());
      MIEN_ASSIGN_OR_RETURN(const double low, end_of(text.substr(0, colon), range));
      MIEN_ASSIGN_OR_RETURN(const double high,
                            end_of(text.substr(std::min(colon + 1, text.size())), range));
      if (low >= high) {
        return invalid_argument(
            fmt::format("emoclip.ranges: '{}' (expected LOW below HIGH)", range));
      }
      target.range.emplace(low, high);
    }
    out.push_back(std::move(target));
  }
  return out;
}

}  // namespace

engine::RegressionHead EmoclipMethod::head_sizes() const {
  return {.hidden = training_.head == "linear" ? 0 : kHidden,
          .targets = static_cast<int>(data_options_.targets.size())};
}

// Linear layers start as PyTorch's do. Names are those of the published downstream model.
Status EmoclipMethod::prepare_head() {
  if (!regresses()) return {};
  MIEN_ASSIGN_OR_RETURN(targets_, parse_targets(data_options_.targets, training_.ranges));
  const std::int64_t width = model_.architecture.embed;
  const engine::RegressionHead sizes = head_sizes();
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(in));
    head_.emplace_back(name + ".weight", torch::empty({out, in}).uniform_(-bound, bound));
    head_.emplace_back(name + ".bias", torch::empty({out}).uniform_(-bound, bound));
  };
  linear("mlp.0", width, sizes.hidden > 0 ? sizes.hidden : sizes.targets);
  if (sizes.hidden > 0) linear("mlp.2", sizes.hidden, sizes.targets);
  return {};
}

// The input is the clip embedding without normalisation.
torch::Tensor EmoclipMethod::predict_targets(const torch::Tensor& frames) {
  torch::Tensor x = model_.temporal ? model_.temporal->forward(frames) : frames.mean(1);
  x = at::linear(x, head_[0].second, head_[1].second);
  if (head_.size() == 4) x = at::linear(at::relu(x), head_[2].second, head_[3].second);
  return x;
}

torch::Tensor EmoclipMethod::targets_of(const data::Manifest& manifest, const Items& clips) const {
  const auto width = static_cast<std::int64_t>(data_options_.targets.size());
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(clips.size()), width});
  auto* to = out.data_ptr<float>();
  for (const ClipItem& clip : clips) {
    for (const double value : manifest.samples[static_cast<std::size_t>(clip.place)].targets) {
      *to++ = static_cast<float>(value);
    }
  }
  return out;
}

torch::Tensor EmoclipMethod::averaged(const torch::Tensor& rows,
                                      const std::vector<std::int64_t>& places) const {
  const std::string& by = training_.average_by;
  if (by.empty()) return rows;
  std::map<std::string, std::vector<std::int64_t>> groups;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& sample = data_.val->samples[static_cast<std::size_t>(places[i])];
    const std::string cell = data::cell_of(sample, by);
    groups[cell.empty() ? "\n" + sample.id : cell].push_back(static_cast<std::int64_t>(i));
  }
  std::vector<torch::Tensor> means;
  for (const auto& [name, members] : groups) {
    means.push_back(rows.index_select(0, torch::tensor(members, torch::kInt64)).mean(0));
  }
  return at::stack(means);
}

Result<NamedValues> EmoclipMethod::target_figures(const torch::Tensor& truth,
                                                  const torch::Tensor& said) const {
  NamedValues out;
  metrics::RegressionError mean;
  const auto count = static_cast<double>(data_options_.targets.size());
  for (std::size_t t = 0; t < data_options_.targets.size(); ++t) {
    const auto index = static_cast<std::int64_t>(t);
    MIEN_ASSIGN_OR_RETURN(const metrics::RegressionError error,
                          metrics::regression_error(column(said, index), column(truth, index)));
    const std::string& name = data_options_.targets[t];
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
