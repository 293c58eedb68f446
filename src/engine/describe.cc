#include "engine/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/label_json.h"
#include "engine/towers/table.h"

namespace mien::engine {
namespace {

struct StoredAmount {
  std::uint64_t tensors = 0;
  std::uint64_t bytes = 0;
};

// `tensors`: pairs of name and view.
template <class Tensors>
std::map<std::string, StoredAmount> stored_amounts(const Tensors& tensors) {
  std::map<std::string, StoredAmount> out;
  for (const auto& [name, view] : tensors) {
    StoredAmount& amount = out[std::string(mien::to_string(view.dtype()))];
    ++amount.tensors;
    amount.bytes += view.bytes().size();
  }
  return out;
}

std::string with_unit(std::uint64_t value, const char* unit) {
  const auto number = static_cast<double>(value);
  if (value < 1000) return fmt::format("{} {}", value, unit);
  if (number < 999.95e3) return fmt::format("{:.1f} k{}", number / 1e3, unit);
  if (number < 999.95e6) return fmt::format("{:.1f} M{}", number / 1e6, unit);
  return fmt::format("{:.2f} G{}", number / 1e9, unit);
}

template <class Tower>
std::string described(const Tower& tower) {
  return with_kind(tower, [](const auto& kind, const auto& sizes) { return kind.describe(sizes); });
}

std::string amounts_text(const std::map<std::string, StoredAmount>& amounts) {
  std::string out;
  for (const auto& [dtype, amount] : amounts) {
    out += fmt::format("{}{} ({} tensors, {})", out.empty() ? "" : ", ", dtype, amount.tensors,
                       size_text(amount.bytes));
  }
  return out;
}

}  // namespace

std::string model_name(const ImageTower& tower) {
  return with_kind(tower,
                   [](const auto& kind, const auto& sizes) { return kind.model_name(sizes); });
}

std::string tower_text(const ImageTower& tower) { return described(tower); }
std::string tower_text(const TextTower& tower) { return described(tower); }
std::string tower_text(const TemporalTower& tower) { return described(tower); }

double image_operations(const ImageTower& tower, int embed) {
  return with_kind(
      tower, [&](const auto& kind, const auto& sizes) { return kind.operations(sizes, embed); });
}

std::string tower_text(const RegressionHead& head) {
  const std::string targets =
      fmt::format("{} target{}", head.targets, head.targets == 1 ? "" : "s");
  return head.hidden == 0 ? "linear probe, " + targets
                          : fmt::format("two layers, {} hidden, {}", head.hidden, targets);
}

std::string targets_text(const std::vector<RegressionTarget>& targets) {
  std::string out;
  for (const RegressionTarget& target : targets) {
    out += (out.empty() ? "" : ", ") + target.name;
    if (target.range)
      out += fmt::format(" ({:g} to {:g})", target.range->first, target.range->second);
  }
  return out;
}

std::string count_text(std::uint64_t count) {
  std::string out = with_unit(count, "");
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string size_text(std::uint64_t bytes) { return with_unit(bytes, "B"); }

Json Parameters::to_json() const {
  Json out = Json::object();
  out.set("image", image);
  out.set("text", text);
  if (temporal > 0) out.set("temporal", temporal);
  if (regression > 0) out.set("regression", regression);
  out.set("total", total());
  return out;
}

std::string parameters_text(const Parameters& parameters) {
  std::string out =
      fmt::format("{} image, {} text", count_text(parameters.image), count_text(parameters.text));
  if (parameters.temporal > 0) out += fmt::format(", {} temporal", count_text(parameters.temporal));
  if (parameters.regression > 0) {
    out += fmt::format(", {} regression", count_text(parameters.regression));
  }
  return out;
}

Parameters count_parameters(const Architecture& architecture) {
  Parameters out;
  for (const ExpectedTensor& tensor : expected_tensors(architecture)) {
    (tensor.name.starts_with("visual.")     ? out.image
     : tensor.name.starts_with("temporal.") ? out.temporal
     : tensor.name.starts_with("mlp.")      ? out.regression
                                            : out.text) += element_count(tensor.shape).value_or(0);
  }
  return out;
}

Json dtypes_json(const checkpoint::Checkpoint& weights) {
  Json out = Json::object();
  for (const auto& [dtype, amount] : stored_amounts(weights.tensors())) {
    Json row = Json::object();
    row.set("tensors", amount.tensors);
    row.set("bytes", amount.bytes);
    out.set(dtype, std::move(row));
  }
  return out;
}

std::string dtypes_text(const checkpoint::Checkpoint& weights) {
  return amounts_text(stored_amounts(weights.tensors()));
}

std::string dtypes_text(const checkpoint::NamedTensors& tensors) {
  return amounts_text(stored_amounts(tensors));
}

std::vector<std::string> all_texts(const std::vector<text::Label>& labels) {
  std::vector<std::string> out;
  for (const text::Label& label : labels) append_texts(label, out);
  return out;
}

std::string labels_text(const std::vector<text::Label>& labels) {
  std::string out;
  for (const text::Label& label : labels) {
    std::vector<std::string> texts;
    append_texts(label, texts);
    out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", label.name, texts.size());
  }
  return out;
}

std::string tower_text(const PyramidSizes& sizes) {
  std::string strides;
  for (int level = 0; level < sizes.levels; ++level) {
    strides += fmt::format("{}{}", level == 0 ? "" : ", ", sizes.stride(level));
  }
  return fmt::format("a pyramid of {} levels ({} pixels from place to place), {} channels wide",
                     sizes.levels, strides, sizes.width());
}

std::uint64_t count_parameters(const PyramidSizes& sizes) {
  std::uint64_t out = 0;
  for (const auto& [name, shape] : detector_tensors(sizes)) {
    std::uint64_t count = 1;
    for (const std::int64_t size : shape) count *= static_cast<std::uint64_t>(size);
    out += count;
  }
  return out;
}

}  // namespace mien::engine
