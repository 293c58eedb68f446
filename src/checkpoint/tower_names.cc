#include "checkpoint/tower_names.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

namespace mien::checkpoint {
namespace {

constexpr int kMaxBlocks = 1000;
constexpr std::int64_t kMaxTowerSize = 1 << 20;

struct Anchor {
  TowerNaming naming;
  std::string_view first;   // determines the prefix
  std::string_view second;  // must exist under the same prefix
};
constexpr Anchor kAnchors[] = {
    {TowerNaming::kSwin, "patch_embed.proj.weight",
     "layers.0.blocks.0.attn.relative_position_bias_table"},
    {TowerNaming::kSwinTorchvision, "features.0.0.weight",
     "features.1.0.attn.relative_position_bias_table"},
    {TowerNaming::kResNet, "conv1.weight", "layer1.0.conv1.weight"},
};

// The shortest prefix under which both anchors exist.
std::optional<std::string> find_tower_prefix(const Checkpoint& checkpoint, const Anchor& anchor) {
  std::optional<std::string> best;
  for (const auto& [name, view] : checkpoint.tensors()) {
    if (!name.ends_with(anchor.first)) continue;
    std::string prefix = name.substr(0, name.size() - anchor.first.size());
    if (!prefix.empty() && !prefix.ends_with('.')) continue;
    if (checkpoint.find(prefix + std::string(anchor.second)) == nullptr) continue;
    if (!best || prefix.size() < best->size()) best = std::move(prefix);
  }
  return best;
}

// Adds rows, and remembers the first tensor that is missing or has an impossible shape.
class TowerPlanner {
 public:
  TowerPlanner(const Checkpoint& checkpoint, std::string prefix)
      : checkpoint_(checkpoint), prefix_(std::move(prefix)) {}

  bool has(const std::string& theirs) const {
    return checkpoint_.find(prefix_ + theirs) != nullptr;
  }
  void add(const std::string& ours, const std::string& theirs) {
    if (!has(theirs) && status.ok()) {
      status = unsupported(fmt::format(
          "checkpoint: '{}{}' is missing (expected a whole image tower)", prefix_, theirs));
    }
    rows.push_back({"visual." + ours, {prefix_ + theirs}, false});
  }
  void add_pair(const std::string& ours, const std::string& theirs) {
    add(ours + ".weight", theirs + ".weight");
    add(ours + ".bias", theirs + ".bias");
  }
  void add_batch_norm(const std::string& name) {
    add_pair(name, name);
    add(name + ".running_mean", name + ".running_mean");
    add(name + ".running_var", name + ".running_var");
  }
  /// 1 when the tensor is missing or has another rank.
  std::int64_t size(const std::string& theirs, std::size_t rank, std::size_t axis) {
    const TensorView* view = checkpoint_.find(prefix_ + theirs);
    if (view == nullptr) return 1;
    const bool fits =
        view->rank() == rank && view->dim(axis) >= 1 && view->dim(axis) <= kMaxTowerSize;
    if (!fits && status.ok()) {
      status = corrupt(fmt::format("checkpoint: '{}{}' has shape {} (expected {} sizes up to {})",
                                   prefix_, theirs, to_string(view->shape()), rank, kMaxTowerSize));
    }
    return fits ? view->dim(axis) : 1;
  }

  std::vector<TensorSource> rows;
  Status status;

 private:
  const Checkpoint& checkpoint_;
  std::string prefix_;
};

int count_tower_blocks(const TowerPlanner& planner, const std::string& before,
                       const std::string& behind) {
  int out = 0;
  while (out < kMaxBlocks && planner.has(fmt::format("{}{}{}", before, out, behind))) ++out;
  return out;
}

void plan_resnet(TowerPlanner& planner, TowerShape& shape) {
  if (planner.has("layer1.0.conv3.weight")) {
    planner.status = unsupported(
        "checkpoint: a ResNet of bottleneck blocks (expected one of basic blocks: 18 or 34)");
    return;
  }
  shape.stem_width = planner.size("conv1.weight", 4, 0);
  shape.channels = planner.size("conv1.weight", 4, 1);
  shape.stem_kernel = planner.size("conv1.weight", 4, 3);
  planner.add("conv1.weight", "conv1.weight");
  planner.add_batch_norm("bn1");
  for (int stage = 1; planner.has(fmt::format("layer{}.0.conv1.weight", stage)); ++stage) {
    const int blocks = count_tower_blocks(planner, fmt::format("layer{}.", stage), ".conv1.weight");
    shape.blocks.push_back(blocks);
    for (int i = 0; i < blocks; ++i) {
      const std::string block = fmt::format("layer{}.{}.", stage, i);
      for (const char* part : {"1", "2"}) {
        planner.add(block + "conv" + part + ".weight", block + "conv" + part + ".weight");
        planner.add_batch_norm(block + "bn" + part);
      }
      if (!planner.has(block + "downsample.0.weight")) continue;
      planner.add(block + "downsample.0.weight", block + "downsample.0.weight");
      planner.add_batch_norm(block + "downsample.1");
    }
    const std::string first = fmt::format("layer{}.0.conv1.weight", stage);
    shape.widths.push_back(static_cast<int>(planner.size(first, 4, 0)));
  }
  shape.embed = shape.widths.back();
}

struct SwinNames {
  std::string patch, patch_norm, fc1, fc2;
  bool torchvision = false;

  std::string block(int stage, int number) const {
    return torchvision ? fmt::format("features.{}.{}.", 2 * stage + 1, number)
                       : fmt::format("layers.{}.blocks.{}.", stage, number);
  }
  std::string blocks(int stage) const {
    return torchvision ? fmt::format("features.{}.", 2 * stage + 1)
                       : fmt::format("layers.{}.blocks.", stage);
  }
  std::string merge(int stage) const {
    return torchvision ? fmt::format("features.{}.", 2 * stage + 2)
                       : fmt::format("layers.{}.downsample.", stage);
  }
};

void plan_swin_stage(TowerPlanner& planner, const SwinNames& names, int stage, int blocks) {
  for (int i = 0; i < blocks; ++i) {
    const std::string ours = fmt::format("layers.{}.blocks.{}.", stage, i);
    const std::string theirs = names.block(stage, i);
    planner.add_pair(ours + "norm1", theirs + "norm1");
    planner.add(ours + "attn.relative_position_bias_table",
                theirs + "attn.relative_position_bias_table");
    planner.add_pair(ours + "attn.qkv", theirs + "attn.qkv");
    planner.add_pair(ours + "attn.proj", theirs + "attn.proj");
    planner.add_pair(ours + "norm2", theirs + "norm2");
    planner.add_pair(ours + "mlp.fc1", theirs + names.fc1);
    planner.add_pair(ours + "mlp.fc2", theirs + names.fc2);
  }
}

void plan_swin(TowerPlanner& planner, const SwinNames& names, TowerShape& shape) {
  if (planner.has("absolute_pos_embed")) {
    planner.status = unsupported(
        "checkpoint: a Swin transformer with absolute positions (expected one without)");
    return;
  }
  shape.width = planner.size(names.patch + ".weight", 4, 0);
  shape.patch = planner.size(names.patch + ".weight", 4, 3);
  planner.add_pair("patch_embed.proj", names.patch);
  planner.add_pair("patch_embed.norm", names.patch_norm);
  const std::string table = ".attn.relative_position_bias_table";
  for (int stage = 0;; ++stage) {
    const int blocks = count_tower_blocks(planner, names.blocks(stage), table);
    if (blocks == 0) break;
    if (stage > 0) {
      const std::string ours = fmt::format("layers.{}.downsample.", stage - 1);
      planner.add_pair(ours + "norm", names.merge(stage - 1) + "norm");
      planner.add(ours + "reduction.weight", names.merge(stage - 1) + "reduction.weight");
    }
    plan_swin_stage(planner, names, stage, blocks);
    shape.blocks.push_back(blocks);
    const std::string first = names.blocks(stage) + "0" + table;
    shape.heads.push_back(static_cast<int>(planner.size(first, 2, 1)));
  }
  const std::string first = names.block(0, 0);
  const auto offsets = static_cast<double>(planner.size(first + table.substr(1), 2, 0));
  shape.window = (std::lround(std::sqrt(offsets)) + 1) / 2;
  shape.mlp_ratio = planner.size(first + names.fc1 + ".weight", 2, 0) / shape.width;
  planner.add_pair("norm", "norm");
  shape.embed = planner.size("norm.weight", 1, 0);
  shape.feature_head = planner.has("feature.0.weight");
  if (!shape.feature_head) return;
  planner.add("feature.0.weight", "feature.0.weight");
  planner.add_batch_norm("feature.1");
  planner.add("feature.2.weight", "feature.2.weight");
  planner.add_batch_norm("feature.3");
  shape.embed = planner.size("feature.2.weight", 2, 0);
}

}  // namespace

std::string_view to_string(TowerNaming naming) {
  switch (naming) {
    case TowerNaming::kResNet: return "resnet";
    case TowerNaming::kSwinTorchvision: return "swin_torchvision";
    case TowerNaming::kSwin: return "swin";
    case TowerNaming::kUnknown: break;
  }
  return "unknown";
}

TowerNaming detect_tower_naming(const Checkpoint& checkpoint) {
  for (const Anchor& anchor : kAnchors) {
    if (find_tower_prefix(checkpoint, anchor)) return anchor.naming;
  }
  return TowerNaming::kUnknown;
}

Result<TowerPlan> map_tower_names(const Checkpoint& checkpoint) {
  for (const Anchor& anchor : kAnchors) {
    auto prefix = find_tower_prefix(checkpoint, anchor);
    if (!prefix) continue;
    TowerPlan out{.naming = anchor.naming, .shape = {}, .rows = {}};
    TowerPlanner planner(checkpoint, std::move(*prefix));
    if (anchor.naming == TowerNaming::kResNet) {
      plan_resnet(planner, out.shape);
    } else if (anchor.naming == TowerNaming::kSwin) {
      plan_swin(planner, {"patch_embed.proj", "patch_embed.norm", "mlp.fc1", "mlp.fc2"}, out.shape);
    } else {
      plan_swin(planner, {"features.0.0", "features.0.2", "mlp.0", "mlp.3", true}, out.shape);
    }
    MIEN_RETURN_IF_ERROR(planner.status);
    out.rows = std::move(planner.rows);
    return out;
  }
  return unsupported(
      "checkpoint: no image tower of a known kind (expected a ResNet of basic "
      "blocks or a Swin transformer)");
}

}  // namespace mien::checkpoint
