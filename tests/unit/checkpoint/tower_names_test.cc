#include "checkpoint/tower_names.h"

#include <gtest/gtest.h>

#include <set>

#include "fake_clip.h"
#include "support/test_support.h"

namespace mien::checkpoint {
namespace {

using test::FakeCheckpoint;

void add_pair(FakeCheckpoint& out, const std::string& name, const Shape& weight) {
  out.set(name + ".weight", weight);
  out.set(name + ".bias", {weight.front()});
}

void add_batch_norm(FakeCheckpoint& out, const std::string& name, std::int64_t width) {
  add_pair(out, name, {width});
  out.set(name + ".running_mean", {width});
  out.set(name + ".running_var", {width});
  out.set(name + ".num_batches_tracked", {}, DType::kI64);
}

void fill_resnet18(FakeCheckpoint& out, const std::string& prefix = "") {
  out.set(prefix + "conv1.weight", {64, 3, 7, 7});
  add_batch_norm(out, prefix + "bn1", 64);
  std::int64_t in = 64;
  for (std::int64_t stage = 0; stage < 4; ++stage) {
    const std::int64_t width = 64 << stage;
    for (int i = 0; i < 2; ++i) {
      const std::string block =
          prefix + "layer" + std::to_string(stage + 1) + "." + std::to_string(i) + ".";
      out.set(block + "conv1.weight", {width, in, 3, 3});
      add_batch_norm(out, block + "bn1", width);
      out.set(block + "conv2.weight", {width, width, 3, 3});
      add_batch_norm(out, block + "bn2", width);
      if (in != width) {
        out.set(block + "downsample.0.weight", {width, in, 1, 1});
        add_batch_norm(out, block + "downsample.1", width);
      }
      in = width;
    }
  }
  add_pair(out, prefix + "fc", {1000, 512});
}

void fill_swin_t(FakeCheckpoint& out, bool torchvision, const std::string& prefix, int patch) {
  add_pair(out, prefix + (torchvision ? "features.0.0" : "patch_embed.proj"),
           {96, 3, patch, patch});
  out.set(prefix + (torchvision ? "features.0.0" : "patch_embed.proj") + ".bias", {96});
  add_pair(out, prefix + (torchvision ? "features.0.2" : "patch_embed.norm"), {96});
  const int depths[] = {2, 2, 6, 2};
  for (int stage = 0; stage < 4; ++stage) {
    const std::int64_t width = 96 << stage;
    const std::string number = std::to_string(stage);
    for (int i = 0; i < depths[stage]; ++i) {
      const std::string block = prefix +
                                (torchvision ? "features." + std::to_string(2 * stage + 1) + "."
                                             : "layers." + number + ".blocks.") +
                                std::to_string(i) + ".";
      add_pair(out, block + "norm1", {width});
      add_pair(out, block + "norm2", {width});
      out.set(block + "attn.relative_position_bias_table", {169, 3 << stage});
      out.set(block + "attn.relative_position_index", {2401}, DType::kI64);
      add_pair(out, block + "attn.qkv", {3 * width, width});
      add_pair(out, block + "attn.proj", {width, width});
      add_pair(out, block + (torchvision ? "mlp.0" : "mlp.fc1"), {4 * width, width});
      add_pair(out, block + (torchvision ? "mlp.3" : "mlp.fc2"), {width, 4 * width});
    }
    if (stage == 3) break;
    const std::string merge =
        prefix + (torchvision ? "features." + std::to_string(2 * stage + 2) + "."
                              : "layers." + number + ".downsample.");
    add_pair(out, merge + "norm", {4 * width});
    out.set(merge + "reduction.weight", {2 * width, 4 * width});
  }
  add_pair(out, prefix + "norm", {768});
  add_pair(out, prefix + "head", {1000, 768});
}

std::int64_t elements(const FakeCheckpoint& checkpoint, const TowerPlan& plan) {
  std::int64_t out = 0;
  std::set<std::string> seen;
  for (const TensorSource& row : plan.rows) {
    EXPECT_TRUE(seen.insert(row.name).second) << row.name;
    EXPECT_TRUE(row.name.starts_with("visual.")) << row.name;
    const bool running = row.name.find("running_") != std::string::npos;
    if (!running) out += static_cast<std::int64_t>(checkpoint.find(row.sources.front())->size());
  }
  return out;
}

TEST(TowerNames, ResNet18OfTorchvision) {
  FakeCheckpoint file;
  fill_resnet18(file);
  EXPECT_EQ(detect_tower_naming(file), TowerNaming::kResNet);
  EXPECT_EQ(detect_clip_naming(file), ClipNaming::kUnknown);
  const auto plan = map_tower_names(file);
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->shape, (TowerShape{.embed = 512,
                                     .channels = 3,
                                     .stem_kernel = 7,
                                     .stem_width = 64,
                                     .widths = {64, 128, 256, 512},
                                     .blocks = {2, 2, 2, 2}}));
  // The rest belongs to the classifier.
  EXPECT_EQ(elements(file, *plan) + 513'000, 11'689'512);
}

TEST(TowerNames, SwinOfTorchvision) {
  FakeCheckpoint file;
  fill_swin_t(file, true, "", 4);
  EXPECT_EQ(detect_tower_naming(file), TowerNaming::kSwinTorchvision);
  const auto plan = map_tower_names(file);
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->shape, (TowerShape{.embed = 768,
                                     .patch = 4,
                                     .width = 96,
                                     .window = 7,
                                     .mlp_ratio = 4,
                                     .heads = {3, 6, 12, 24},
                                     .blocks = {2, 2, 6, 2}}));
  EXPECT_EQ(elements(file, *plan) + 769'000, 28'288'354);
}

TEST(TowerNames, SwinFaceUnderItsPrefix) {
  FakeCheckpoint file;
  const std::string prefix = "state_dict_backbone.";
  fill_swin_t(file, false, prefix, 2);
  file.set(prefix + "feature.0.weight", {768, 768});
  add_batch_norm(file, prefix + "feature.1", 768);
  file.set(prefix + "feature.2.weight", {512, 768});
  add_batch_norm(file, prefix + "feature.3", 512);
  file.set("state_dict_fam.conv.weight", {2, 2});
  const auto plan = map_tower_names(file);
  MIEN_ASSERT_OK(plan);
  EXPECT_EQ(plan->naming, TowerNaming::kSwin);
  EXPECT_EQ(plan->shape.embed, 512);
  EXPECT_EQ(plan->shape.patch, 2);
  EXPECT_TRUE(plan->shape.feature_head);
  for (const TensorSource& row : plan->rows) {
    EXPECT_EQ(row.sources.front().find("head."), std::string::npos);
  }
}

TEST(TowerNames, NamesWhatIsMissing) {
  FakeCheckpoint file;
  fill_resnet18(file);
  file.erase("layer3.1.bn2.running_var");
  const auto plan = map_tower_names(file);
  ASSERT_FALSE(plan.ok());
  EXPECT_NE(plan.status().message().find("'layer3.1.bn2.running_var' is missing"),
            std::string::npos);
}

TEST(TowerNames, RejectsOtherKinds) {
  FakeCheckpoint bottleneck;
  fill_resnet18(bottleneck);
  bottleneck.set("layer1.0.conv3.weight", {256, 64, 1, 1});
  MIEN_EXPECT_CODE(map_tower_names(bottleneck), StatusCode::kUnsupported);
  FakeCheckpoint positions;
  fill_swin_t(positions, false, "", 4);
  positions.set("absolute_pos_embed", {1, 3136, 96});
  MIEN_EXPECT_CODE(map_tower_names(positions), StatusCode::kUnsupported);
  FakeCheckpoint flat;
  fill_resnet18(flat);
  flat.set("conv1.weight", {64, 147});
  MIEN_EXPECT_CODE(map_tower_names(flat), StatusCode::kCorrupt);
  FakeCheckpoint other;
  other.set("weight", {3});
  EXPECT_EQ(detect_tower_naming(other), TowerNaming::kUnknown);
  MIEN_EXPECT_CODE(map_tower_names(other), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mien::checkpoint
