#include "convert/recognise.h"

#include "convert/exp_clip.h"
#include "convert/left_out.h"
#include "convert/tower.h"

namespace mien::convert {
namespace {

using checkpoint::ClipNaming;
using checkpoint::TowerNaming;

constexpr std::int64_t kUsualSide = 224;  // of CLIP's pictures, if no tower gives it

Result<ClipNames> read_clip_names(const checkpoint::Checkpoint& weights) {
  ClipNames out;
  out.naming = checkpoint::detect_clip_naming(weights);
  auto towers = checkpoint::map_clip_names(weights, out.naming);
  if (!towers.ok()) {
    // Of HESP more can be said than that names are missing.
    MIEN_RETURN_IF_ERROR(check_not_hesp(weights, kUsualSide));
    return towers.status();
  }
  out.towers = std::move(towers).value();
  MIEN_ASSIGN_OR_RETURN(out.temporal, checkpoint::map_temporal_names(weights, out.naming));
  return out;
}

Result<Recognised> recognise_tower(const checkpoint::Checkpoint& weights) {
  MIEN_ASSIGN_OR_RETURN(checkpoint::TowerPlan tower, checkpoint::map_tower_names(weights));
  if (is_ke2nt(weights)) return Recognised(Ke2nt{std::move(tower)});
  return Recognised(ImageTowerAlone{std::move(tower)});
}

// The order matters: DFER-CLIP contains a CLIP, and a name that only resembles CLIP's decides
// nothing.
Result<Recognised> recognise_weights(const std::shared_ptr<const checkpoint::Checkpoint>& weights) {
  if (checkpoint::is_dfer_clip(*weights)) {
    MIEN_ASSIGN_OR_RETURN(auto parts, checkpoint::open_dfer_clip(weights));
    MIEN_ASSIGN_OR_RETURN(ClipNames names, read_clip_names(*parts.model));
    return Recognised(DferClip{std::move(parts), std::move(names)});
  }
  if (checkpoint::detect_clip_naming(*weights) == ClipNaming::kUnknown) {
    if (find_projection(*weights) != nullptr) {
      return invalid_argument(
          "only the projection of Exp-CLIP (expected its CLIP as SRC, and this "
          "file after --projection)");
    }
    if (checkpoint::detect_tower_naming(*weights) != TowerNaming::kUnknown) {
      return recognise_tower(*weights);
    }
  }
  MIEN_ASSIGN_OR_RETURN(ClipNames names, read_clip_names(*weights));
  if (!names.temporal.empty()) return Recognised(EmoClip{std::move(names)});
  return Recognised(Clip{std::move(names)});
}

}  // namespace

Result<Recognised> recognise(const Source& source) {
  if (source.bundle) return Recognised(OwnBundle{source.bundle});
  auto kind = recognise_weights(source.checkpoint);
  return kind.ok() ? std::move(kind) : kind.status().with_prefix(source.weights.string());
}

}  // namespace mien::convert
