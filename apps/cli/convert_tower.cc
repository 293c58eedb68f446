#include "cli/convert_tower.h"

#include <fmt/format.h>

namespace mien::cli {
namespace {

constexpr int kResNetSide = 224;
constexpr std::int64_t kResNetStem = 7;
constexpr std::int64_t kMaxSide = 4096;

Result<engine::ImageTower> residual_tower(const checkpoint::TowerShape& shape,
                                          const std::string& subject,
                                          std::vector<std::string>& notes) {
  if (shape.stem_kernel != kResNetStem || shape.channels != 3) {
    return unsupported(fmt::format(
        "{}: a ResNet with a first convolution of {} x {} over {} channels (expected 7 x 7 over 3)",
        subject, shape.stem_kernel, shape.stem_kernel, shape.channels));
  }
  engine::ImageTower out{.image_size = kResNetSide};
  out.residual = engine::ResidualSizes{.channels = 3,
                                       .stem_kernel = static_cast<int>(shape.stem_kernel),
                                       .stem_stride = 2,
                                       .stem_width = static_cast<int>(shape.stem_width),
                                       .stem_pool = true,
                                       .first_stride = 1,
                                       .widths = shape.widths,
                                       .blocks = shape.blocks,
                                       .projection = false};
  notes.emplace_back("took pictures of 224 pixels, which the tensors cannot tell");
  return out;
}

Result<engine::ImageTower> swin_tower(const checkpoint::TowerShape& shape,
                                      const std::string& subject) {
  const std::size_t stages = shape.blocks.size();
  const std::int64_t side = stages > 8 ? 0 : shape.patch * (shape.window << (stages - 1));
  if (side < 1 || side > kMaxSide) {
    return unsupported(fmt::format("{}: {} stages of patches of {} and windows of {}", subject,
                                   stages, shape.patch, shape.window));
  }
  engine::ImageTower out{.image_size = static_cast<int>(side)};
  out.swin = engine::SwinSizes{.patch = static_cast<int>(shape.patch),
                               .width = static_cast<int>(shape.width),
                               .depths = shape.blocks,
                               .heads = shape.heads,
                               .window = static_cast<int>(shape.window),
                               .mlp_ratio = static_cast<int>(shape.mlp_ratio),
                               .feature_head = shape.feature_head};
  return out;
}

}  // namespace

Result<engine::Architecture> tower_architecture(const checkpoint::TowerShape& shape,
                                                const std::string& subject,
                                                std::vector<std::string>& notes) {
  engine::Architecture out;
  out.embed = static_cast<int>(shape.embed);
  if (shape.widths.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.image, swin_tower(shape, subject));
  } else {
    MIEN_ASSIGN_OR_RETURN(out.image, residual_tower(shape, subject, notes));
  }
  MIEN_RETURN_IF_ERROR(out.validate(subject));
  return out;
}

}  // namespace mien::cli
