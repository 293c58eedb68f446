#include "engine/architecture_parts.h"

#include <fmt/format.h>

#include <algorithm>

namespace mien::engine {
namespace {

using kernels::Activation;

constexpr std::pair<Activation, std::string_view> kActivations[] = {
    {Activation::kGelu, "gelu"},
    {Activation::kGeluTanh, "gelu_tanh"},
    {Activation::kQuickGelu, "quick_gelu"},
    {Activation::kRelu, "relu"},
};

}  // namespace

std::string_view to_string(Activation activation) {
  for (const auto& [value, name] : kActivations) {
    if (value == activation) return name;
  }
  return "none";
}

std::optional<Activation> find_activation(std::string_view name) {
  for (const auto& [value, known] : kActivations) {
    if (known == name) return value;
  }
  return std::nullopt;
}

Result<Activation> read_activation(const Json& json, std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const std::string name, json_string(json, "activation", subject));
  const auto found = find_activation(name);
  if (!found) {
    return corrupt(
        fmt::format("{}: unknown activation '{}' (expected gelu, gelu_tanh, quick_gelu or relu)",
                    subject, name));
  }
  return *found;
}

Status check_heads(int width, int heads, std::string_view subject) {
  if (width % heads != 0 || width / heads % 16 != 0) {
    return corrupt(
        fmt::format("{}: width {} with {} heads (expected a head width that is a multiple of 16)",
                    subject, width, heads));
  }
  return {};
}

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
    return corrupt(fmt::format("{}: '{}' is missing or not a list (expected 1 to {} numbers)",
                               subject, key, kMaxStages));
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

void add_clip_blocks(std::vector<ExpectedTensor>& out, const std::string& prefix, int layers,
                     std::int64_t width, std::int64_t mlp) {
  for (int i = 0; i < layers; ++i) {
    const std::string block = fmt::format("{}transformer.resblocks.{}.", prefix, i);
    const auto add = [&](const char* name, Shape shape) {
      out.push_back({block + name, std::move(shape)});
    };
    add("ln_1.weight", {width});
    add("ln_1.bias", {width});
    add("attn.in_proj_weight", {3 * width, width});
    add("attn.in_proj_bias", {3 * width});
    add("attn.out_proj.weight", {width, width});
    add("attn.out_proj.bias", {width});
    add("ln_2.weight", {width});
    add("ln_2.bias", {width});
    add("mlp.c_fc.weight", {mlp, width});
    add("mlp.c_fc.bias", {mlp});
    add("mlp.c_proj.weight", {width, mlp});
    add("mlp.c_proj.bias", {width});
  }
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&](std::string_view ending) { return text.ends_with(ending); });
}

bool is_clip_block_weight(std::string_view tensor, std::string_view prefix) {
  return tensor.starts_with(prefix) &&
         ends_with_any(tensor, {".attn.in_proj_weight", ".attn.out_proj.weight", ".mlp.c_fc.weight",
                                ".mlp.c_proj.weight"});
}

}  // namespace mien::engine
