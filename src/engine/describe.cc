#include "engine/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "engine/label_json.h"

namespace mien::engine {
namespace {

constexpr std::pair<int, const char*> kTowerSizes[] = {
    {192, "Ti"}, {384, "S"}, {768, "B"}, {1024, "L"}, {1280, "H"}, {1408, "g"}, {1664, "bigG"}};

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
  if (tower.residual) return "residual network";
  if (tower.swin) return "Swin transformer";
  const auto* const size =
      std::find_if(std::begin(kTowerSizes), std::end(kTowerSizes),
                   [&](const auto& candidate) { return candidate.first == tower.width; });
  std::string out = size == std::end(kTowerSizes)
                        ? fmt::format("ViT of width {}, patch {}", tower.width, tower.patch)
                        : fmt::format("ViT-{}/{}", size->second, tower.patch);
  if (size != std::end(kTowerSizes) && tower.image_size != 224) {
    out += fmt::format("@{}", tower.image_size);
  }
  return out;
}

std::string tower_text(const ImageTower& tower) {
  if (tower.residual) {
    const ResidualSizes& sizes = *tower.residual;
    return fmt::format("residual network: {} px, {}, widths {}, blocks {}", tower.image_size,
                       sizes.channels == 1 ? "grey" : "colour", fmt::join(sizes.widths, " "),
                       fmt::join(sizes.blocks, " "));
  }
  if (tower.swin) {
    const SwinSizes& sizes = *tower.swin;
    return fmt::format(
        "Swin transformer: {} px, patch {}, width {}, blocks {}, heads {}, window {}{}",
        tower.image_size, sizes.patch, sizes.width, fmt::join(sizes.depths, " "),
        fmt::join(sizes.heads, " "), sizes.window, sizes.feature_head ? ", feature head" : "");
  }
  return fmt::format("{}: {} px, {} layers, width {}, {} heads, mlp {}, {}", model_name(tower),
                     tower.image_size, tower.layers, tower.width, tower.heads, tower.mlp,
                     to_string(tower.activation));
}

std::string tower_text(const TextTower& tower) {
  if (tower.word_width > 0) {
    return fmt::format(
        "words: at most {}, {} known or spelt, vectors of {}, {} layers, width {}, {} heads",
        tower.context, tower.vocabulary - 1, tower.word_width, tower.layers, tower.width,
        tower.heads);
  }
  return fmt::format("context {}, vocabulary {}, {} layers, width {}, {} heads, mlp {}, {}",
                     tower.context, tower.vocabulary, tower.layers, tower.width, tower.heads,
                     tower.mlp, to_string(tower.activation));
}

std::string tower_text(const TemporalTower& tower) {
  if (tower.hidden > 0) {
    return fmt::format("attention pooling, {} hidden units, at most {} frames", tower.hidden,
                       tower.positions - 1);
  }
  return fmt::format("{} layers, width {}, {} heads of {}, mlp {}, at most {} frames, {}",
                     tower.layers, tower.width, tower.heads, tower.head_width, tower.mlp,
                     tower.positions - 1, to_string(tower.activation));
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
