#include "convert/plan.h"

namespace mien::convert {
namespace {

struct Planner {
  const Source& source;
  const Options& options;

  Result<Plan> operator()(const Clip& kind) const { return plan_clip(source, kind.names, options); }
  Result<Plan> operator()(const EmoClip& kind) const {
    return plan_clip(source, kind.names, options);
  }
  Result<Plan> operator()(const DferClip& kind) const {
    return plan_dfer_clip(source, kind, options);
  }
  Result<Plan> operator()(const ImageTowerAlone& kind) const {
    return plan_image_tower(source, kind, options);
  }
  Result<Plan> operator()(const Ke2nt& kind) const { return plan_ke2nt(source, kind, options); }
  Result<Plan> operator()(const OwnBundle& kind) const {
    return plan_bundle(source, kind, options);
  }
};

}  // namespace

Result<Plan> make_plan(const Source& source, const Recognised& kind, const Options& options) {
  if (options.text_position && !std::holds_alternative<DferClip>(kind)) {
    return invalid_argument("--class-token-position: " + source.weights.string() +
                            " has no learned tokens (expected a checkpoint of DFER-CLIP)");
  }
  if (options.dtype && *options.dtype != DType::kF32 && *options.dtype != DType::kF16 &&
      *options.dtype != DType::kBF16) {
    return invalid_argument("--dtype: weights cannot be stored as " +
                            std::string(to_string(*options.dtype)) +
                            " (expected f32, f16 or bf16)");
  }
  MIEN_ASSIGN_OR_RETURN(Plan out, std::visit(Planner{source, options}, kind));
  out.info.name = options.name.empty() ? default_name(source.given) : options.name;
  return out;
}

}  // namespace mien::convert
