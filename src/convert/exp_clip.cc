#include "convert/exp_clip.h"

#include <fmt/format.h>

#include <array>

#include "convert/plan.h"
#include "convert/text_tower.h"
#include "engine/projection.h"

namespace mien::convert {
namespace {

constexpr int kExpClipFrames = 16;

Status check_fits(const TensorView& map, const engine::Architecture& architecture) {
  if (architecture.temporal || architecture.regression || architecture.neutral ||
      architecture.prompt || architecture.reciprocal) {
    return invalid_argument("--projection: source has more than two towers (expected a CLIP)");
  }
  if (engine::joint_projections(architecture).empty()) {
    return invalid_argument(
        "--projection: the source has no projection that the map could be folded into (expected a "
        "CLIP)");
  }
  if (map.dim(1) != architecture.embed) {
    return invalid_argument(
        fmt::format("--projection: made for embeddings of width {} (expected {}, as in the towers)",
                    map.dim(1), architecture.embed));
  }
  return {};
}

}  // namespace

const TensorView* find_projection(const checkpoint::Checkpoint& weights) {
  constexpr std::array<std::string_view, 3> kNames = {"mlp.weight", "projection_head.mlp.weight",
                                                      "module.projection_head.mlp.weight"};
  for (const std::string_view name : kNames) {
    const TensorView* found = weights.find(name);
    if (found != nullptr && found->rank() == 2) return found;
  }
  return nullptr;
}

Status fold_map(const TensorView& map, std::optional<DType> dtype,
                const engine::Architecture& architecture, ModelTensors& tensors) {
  for (const std::string& name : engine::joint_projections(architecture)) {
    MIEN_ASSIGN_OR_RETURN(Tensor folded, engine::fold_projection(*tensors.find(name), map));
    MIEN_ASSIGN_OR_RETURN(Tensor ready,
                          cast_tensor(std::move(folded), dtype.value_or(DType::kF32), name));
    tensors.replace(name, std::move(ready));
  }
  return {};
}

Result<Plan> with_projection(Plan plan, const Options& options) {
  if (options.projection.empty()) return plan;
  auto source = open_weights(options.projection, options.limits);
  if (!source.ok()) return source.status().with_prefix("--projection");
  const TensorView* map = find_projection(*source->checkpoint);
  if (map == nullptr) {
    return invalid_argument(
        fmt::format("--projection: {} has no 'mlp.weight' of two dimensions "
                    "(expected a checkpoint of Exp-CLIP)",
                    source->weights.string()));
  }
  engine::BundleInfo& info = plan.info;
  MIEN_RETURN_IF_ERROR(check_fits(*map, info.architecture));
  info.architecture.embed = static_cast<int>(map->dim(0));
  MIEN_RETURN_IF_ERROR(info.architecture.validate("--projection"));
  info.method = "exp-clip";
  if (options.preprocess == Preprocess::kAuto) {
    info.preprocess = image::PreprocessSpec::stretched(info.architecture.image_size());
  }
  info.sampling = {.rule = video::SamplingRule::kCentresOrFirst, .frames = kExpClipFrames};
  info.reduce = engine::Reduce::kMeanCosine;
  plan.projection = std::move(source).value();
  plan.notes.emplace_back(
      "the linear map of Exp-CLIP is folded into the projections of both towers");
  return plan;
}

}  // namespace mien::convert
