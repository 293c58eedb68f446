#pragma once

// Checkpoints of DFER-CLIP and KE2NT, and the projection of Exp-CLIP.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/convert_model.h"
#include "mien/text/labels.h"

namespace mien::cli {

/// What `--labels` is when nobody sets it.
constexpr const char* kDefaultLabels = "basic7";

/// The labels that a DFER-CLIP checkpoint of so many classes was trained with: the published
/// descriptors of 7, 8 or 11 classes when `flag` is the default, else the first text of each of its
/// labels. Errors: kInvalidArgument when they are not as many; those of load_labels.
Result<text::LabelSet> dfer_clip_labels(std::int64_t classes, const std::string& flag);
/// The text of a label as the bundle tells it, with what was learned beside it.
std::string with_learned_tokens(const std::string& text, const checkpoint::DferClipParts& parts);
/// Where the texts of the classes stand among their learned tokens ("end", "front" or "middle"):
/// what `flag` says, else what the metadata of the file says. Errors: kInvalidArgument when neither
/// does, or both and not the same.
Result<std::string> dfer_clip_position(const checkpoint::Checkpoint& file, const std::string& flag);
/// Unit rows of the labels' texts with their learned tokens. Errors: kCorrupt when the vectors
/// that the file stores behind the learned tokens are not those of the texts.
Result<Tensor> dfer_clip_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                                  const engine::Architecture& architecture,
                                  const text::BpeTokenizer& tokenizer,
                                  const std::vector<text::Label>& labels,
                                  const checkpoint::DferClipParts& parts,
                                  const std::string& position);

/// Whether an image tower was trained by KE2NT: its transformation network stands beside it.
bool is_ke2nt(const checkpoint::Checkpoint& checkpoint);
/// The labels of KE2NT, each with the one sentence it was trained against: the seven published
/// classes in their order when `flag` is the default; texts of a label file stay as they are.
Result<text::LabelSet> ke2nt_labels(const std::string& flag);

/// The linear map of an Exp-CLIP checkpoint, [width, embed]; nullptr: there is none.
const TensorView* find_projection(const checkpoint::Checkpoint& checkpoint);
/// The labels of Exp-CLIP: prompt set P3 of the seven classes when `flag` is the default.
Result<text::LabelSet> exp_clip_labels(const std::string& flag);
/// Folds the map into the projections of both towers and sets the new width. `dtype`: as
/// collect_tensors. Errors: kInvalidArgument when it is of another width than the towers, or there
/// is a temporal model.
Status fold_projection(const TensorView& map, std::optional<DType> dtype,
                       engine::Architecture& architecture, ModelTensors& tensors);

}  // namespace mien::cli
