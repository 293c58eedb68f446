// The Swin part of an architecture, and how its sizes are read.
#include <fmt/format.h>

#include "engine/architecture_parts.h"

namespace mien::engine {
namespace {

constexpr int kMaxWindow = 32;
constexpr int kMaxMlpRatio = 16;
// The engine spreads the table of biases over all pairs of a window's tokens: values of all blocks.
constexpr std::int64_t kMaxBiasValues = std::int64_t{1} << 26;
constexpr std::int64_t kMaxActivations = std::int64_t{1} << 27;  // of the first stage

std::int64_t bias_values(const SwinSizes& sizes) {
  const std::int64_t tokens = std::int64_t{sizes.window} * sizes.window;
  std::int64_t heads = 0;
  for (std::size_t s = 0; s < sizes.depths.size(); ++s) {
    heads += std::int64_t{sizes.depths[s]} * sizes.heads[s];
  }
  return 4 * heads * tokens * ((tokens + 15) / 16 * 16);
}

bool stage_fits(const ImageTower& tower, std::size_t stage) {
  const SwinSizes& sizes = *tower.swin;
  const int grid = tower.image_size / sizes.patch;
  const int side = grid >> stage;
  const std::int64_t width = std::int64_t{sizes.width} << stage;
  const int heads = sizes.heads[stage];
  return sizes.depths[stage] >= 1 && heads >= 1 && side << stage == grid && side > 0 &&
         side % sizes.window == 0 && width <= kMaxWidth && width % heads == 0 &&
         width / heads % 16 == 0;
}

}  // namespace

Result<int> read_size(const Json& json, std::string_view key, int max, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::int64_t value, json_integer(json, key, subject));
  if (value < 1 || value > max) {
    return corrupt(
        fmt::format("{}: '{}' is out of range (expected 1..{}, got {})", subject, key, max, value));
  }
  return static_cast<int>(value);
}

Result<std::vector<int>> read_sizes(const Json& json, std::string_view key, int max,
                                    std::string_view subject) {
  const Json* list = json.find(key);
  if (list == nullptr || !list->is_array() || list->as_array().empty() ||
      list->as_array().size() > kMaxStages) {
    return corrupt(fmt::format("{}: '{}' is missing or no list (expected 1 to {} numbers)", subject,
                               key, kMaxStages));
  }
  std::vector<int> out;
  for (const Json& item : list->as_array()) {
    Json one = Json::object();
    one.set(std::string(key), item);
    MIEN_ASSIGN_OR_RETURN(out.emplace_back(), read_size(one, key, max, subject));
  }
  return out;
}

Json sizes_json(const std::vector<int>& values) {
  Json out = Json::array();
  for (const int value : values) out.push_back(value);
  return out;
}

Result<ImageTower> parse_swin(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json,
                                           {"type", "image_size", "patch", "width", "depths",
                                            "heads", "window", "mlp_ratio", "feature_head"},
                                           subject));
  ImageTower tower;
  SwinSizes& sizes = tower.swin.emplace();
  MIEN_ASSIGN_OR_RETURN(tower.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.patch, read_size(json, "patch", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.width, read_size(json, "width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.depths, read_sizes(json, "depths", kMaxLayers, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.heads, read_sizes(json, "heads", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.window, read_size(json, "window", kMaxWindow, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.mlp_ratio, read_size(json, "mlp_ratio", kMaxMlpRatio, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.feature_head, json_bool(json, "feature_head", subject));
  return tower;
}

Json swin_json(const ImageTower& tower) {
  const SwinSizes& sizes = *tower.swin;
  Json out = Json::object();
  out.set("type", "swin");
  out.set("image_size", tower.image_size);
  out.set("patch", sizes.patch);
  out.set("width", sizes.width);
  out.set("depths", sizes_json(sizes.depths));
  out.set("heads", sizes_json(sizes.heads));
  out.set("window", sizes.window);
  out.set("mlp_ratio", sizes.mlp_ratio);
  out.set("feature_head", sizes.feature_head);
  return out;
}

Status check_swin(const ImageTower& tower, int embed, std::string_view subject) {
  const SwinSizes& sizes = *tower.swin;
  const std::size_t stages = sizes.depths.size();
  if (stages < 1 || stages > kMaxStages || sizes.heads.size() != stages || sizes.patch < 1 ||
      sizes.window < 1 || sizes.window > kMaxWindow || tower.image_size % sizes.patch != 0) {
    return corrupt(fmt::format(
        "{}: {} depths, {} heads, window {}, image size {} in patches of {} (expected as many "
        "depths as heads, a window up to {}, a multiple of the patch)",
        subject, stages, sizes.heads.size(), sizes.window, tower.image_size, sizes.patch,
        kMaxWindow));
  }
  const std::int64_t grid = tower.image_size / sizes.patch;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    if (!stage_fits(tower, stage)) {
      return corrupt(fmt::format(
          "{}: stage {} of width {} with {} heads on a grid of {} (expected a grid that is a "
          "multiple of the window {}, a head width that is a multiple of 16, a width up to {})",
          subject, stage + 1, std::int64_t{sizes.width} << stage, sizes.heads[stage],
          static_cast<double>(grid) / static_cast<double>(1 << stage), sizes.window, kMaxWidth));
    }
  }
  if (!sizes.feature_head && sizes.last_width() != embed) {
    return corrupt(fmt::format("{}: last width {} without a feature head (expected {}, as embed)",
                               subject, sizes.last_width(), embed));
  }
  if (bias_values(sizes) > kMaxBiasValues || grid * grid * sizes.width > kMaxActivations) {
    return corrupt(fmt::format(
        "{}: window {} with {} blocks on a grid of {} is too large (expected at most {} biases "
        "and {} values in the first stage)",
        subject, sizes.window, stages, grid, kMaxBiasValues, kMaxActivations));
  }
  return {};
}

void add_swin(std::vector<ExpectedTensor>& out, const SwinSizes& sizes, int embed) {
  const auto add = [&](const std::string& name, Shape shape) {
    out.push_back({"visual." + name, std::move(shape)});
  };
  const auto norm = [&](const std::string& name, std::int64_t width) {
    add(name + ".weight", {width});
    add(name + ".bias", {width});
  };
  const auto linear = [&](const std::string& name, std::int64_t from, std::int64_t to) {
    add(name + ".weight", {to, from});
    add(name + ".bias", {to});
  };
  add("patch_embed.proj.weight", {sizes.width, 3, sizes.patch, sizes.patch});
  add("patch_embed.proj.bias", {sizes.width});
  norm("patch_embed.norm", sizes.width);
  const std::int64_t offsets = std::int64_t{2} * sizes.window - 1;
  for (std::size_t stage = 0; stage < sizes.depths.size(); ++stage) {
    const std::int64_t width = std::int64_t{sizes.width} << stage;
    for (int i = 0; i < sizes.depths[stage]; ++i) {
      const std::string block = fmt::format("layers.{}.blocks.{}.", stage, i);
      norm(block + "norm1", width);
      add(block + "attn.relative_position_bias_table", {offsets * offsets, sizes.heads[stage]});
      linear(block + "attn.qkv", width, 3 * width);
      linear(block + "attn.proj", width, width);
      norm(block + "norm2", width);
      linear(block + "mlp.fc1", width, sizes.mlp_ratio * width);
      linear(block + "mlp.fc2", sizes.mlp_ratio * width, width);
    }
    if (stage + 1 == sizes.depths.size()) break;
    const std::string merge = fmt::format("layers.{}.downsample.", stage);
    norm(merge + "norm", 4 * width);
    add(merge + "reduction.weight", {2 * width, 4 * width});
  }
  const std::int64_t last = sizes.last_width();
  norm("norm", last);
  if (!sizes.feature_head) return;
  const auto batch_norm = [&](const std::string& name, std::int64_t width) {
    norm(name, width);
    add(name + ".running_mean", {width});
    add(name + ".running_var", {width});
  };
  add("feature.0.weight", {last, last});
  batch_norm("feature.1", last);
  add("feature.2.weight", {embed, last});
  batch_norm("feature.3", embed);
}

}  // namespace mien::engine
