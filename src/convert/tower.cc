#include "convert/tower.h"

#include <fmt/format.h>

#include <algorithm>

#include "convert/clip.h"
#include "convert/labels.h"
#include "convert/left_out.h"
#include "convert/plan.h"
#include "convert/text_tower.h"

namespace mien::convert {
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
  engine::ResidualSizes out{.image_size = kResNetSide,
                            .channels = 3,
                            .stem_kernel = static_cast<int>(shape.stem_kernel),
                            .stem_stride = 2,
                            .stem_width = static_cast<int>(shape.stem_width),
                            .stem_pool = true,
                            .first_stride = 1,
                            .widths = shape.widths,
                            .blocks = shape.blocks,
                            .projection = false};
  notes.emplace_back("took pictures of 224 pixels, which the tensors cannot tell");
  return engine::ImageTower(std::move(out));
}

Result<engine::ImageTower> swin_tower(const checkpoint::TowerShape& shape,
                                      const std::string& subject) {
  const std::size_t stages = shape.blocks.size();
  const std::int64_t side = stages > 8 ? 0 : shape.patch * (shape.window << (stages - 1));
  if (side < 1 || side > kMaxSide) {
    return unsupported(fmt::format("{}: {} stages of patches of {} and windows of {}", subject,
                                   stages, shape.patch, shape.window));
  }
  return engine::ImageTower(engine::SwinSizes{.image_size = static_cast<int>(side),
                                              .patch = static_cast<int>(shape.patch),
                                              .width = static_cast<int>(shape.width),
                                              .depths = shape.blocks,
                                              .heads = shape.heads,
                                              .window = static_cast<int>(shape.window),
                                              .mlp_ratio = static_cast<int>(shape.mlp_ratio),
                                              .feature_head = shape.feature_head});
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

bool is_ke2nt(const checkpoint::Checkpoint& weights) {
  return std::any_of(weights.tensors().begin(), weights.tensors().end(),
                     [](const auto& item) { return item.first.ends_with("MLP.fc1.weight"); });
}

namespace {

// The tower itself: what both kinds have in common.
Result<Plan> plan_tower(const Source& source, const checkpoint::TowerPlan& tower,
                        const Options& options, std::vector<std::string> notes) {
  const std::string subject = source.weights.string();
  if (!options.projection.empty()) {
    return invalid_argument("--projection: " + subject +
                            " has no text tower of its own (expected a CLIP)");
  }
  if (!options.targets.empty()) {
    return invalid_argument("--targets: " + subject +
                            " has no regression head (expected EmoCLIP's downstream weights)");
  }
  Plan out;
  out.notes = std::move(notes);
  MIEN_ASSIGN_OR_RETURN(out.info.architecture, tower_architecture(tower.shape, subject, out.notes));
  out.model = {source, tower.rows};
  out.naming = checkpoint::to_string(tower.naming);
  out.left_out = find_left_out(*source.checkpoint, tower.rows);
  const int side = out.info.architecture.image_size();
  out.info.method = "image";
  out.info.preprocess = options.preprocess == Preprocess::kAuto
                            ? image::PreprocessSpec::imagenet(side)
                            : preprocess_of(options.preprocess, side);
  return out;
}

}  // namespace

Result<Plan> plan_image_tower(const Source& source, const ImageTowerAlone& kind,
                              const Options& options) {
  if (!options.text_from.empty()) {
    return invalid_argument(
        "--text-from: " + source.weights.string() +
        " was not trained against a text tower (expected CLIP weights without one, or a checkpoint "
        "of KE2NT, which has 'MLP.fc1.weight')");
  }
  MIEN_ASSIGN_OR_RETURN(Plan out, plan_tower(source, kind.tower, options, {}));
  out.notes.emplace_back(
      "no text tower: the bundle gives embeddings only, and initial weights for training");
  return out;
}

Result<Plan> plan_ke2nt(const Source& source, const Ke2nt& kind, const Options& options) {
  MIEN_ASSIGN_OR_RETURN(
      Plan out,
      plan_tower(source, kind.tower, options,
                 {"the transformation network of KE2NT is left out: it serves training, and an "
                  "intensity needs a calibration that the file lacks"}));
  MIEN_ASSIGN_OR_RETURN(const text::LabelSet labels, ke2nt_labels(options));
  if (options.text_from.empty()) {
    out.notes.emplace_back(
        "no text tower: the bundle gives embeddings only, and initial weights for training "
        "(--text-from CLIP takes the text tower that KE2NT was trained against, ViT-B/16's, and "
        "gives it labels)");
    return out;
  }
  MIEN_ASSIGN_OR_RETURN(OtherText other, open_text_from(out.info.architecture.embed, options));
  // The CLIP that it was trained against is the only one that says anything of its texts.
  out.notes.insert(out.notes.end(), other.notes.begin(), other.notes.end());
  out.info.logit_scale = other.logit_scale;
  out.info.method = "e2n";
  out.info.labels = labels.labels;
  return with_text_from(std::move(out), std::move(other));
}

}  // namespace mien::convert
