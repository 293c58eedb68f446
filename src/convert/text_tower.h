#pragma once

// Steps that complete a plan: words for its labels, from its own text tower or another model's, and
// the projection of Exp-CLIP.

#include <memory>
#include <string>
#include <vector>

#include "convert/plan.h"

namespace mien::convert {

/// Names of the tensors of the text tower alone, with the scales of those stored in int8.
std::vector<std::string> text_tensors(const engine::Architecture& architecture,
                                      const checkpoint::Checkpoint& weights);

/// The text tower of another model.
struct OtherText {
  Part part;
  engine::TextTower tower;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  double logit_scale = 0;
  std::vector<std::string> notes;  ///< what was assumed of that model
};
/// The text tower of `options.text_from` for embeddings of width `embed`. Errors: kUnsupported when
/// it has none, or one of another width; those of make_plan.
Result<OtherText> open_text_from(int embed, const Options& options);

/// Adds that text tower to the plan, with a note.
Plan with_text_from(Plan plan, OtherText other);

/// Gives the plan a tokenizer and, where it has no text tower of its own, that of
/// `options.text_from`. Without either it loses its labels, with a note. Errors: kInvalidArgument
/// when there are two text towers, or no tokenizer that fits.
Result<Plan> with_words(Plan plan, const Options& options);

/// Errors: kInvalidArgument when `options.projection` does not fit the towers.
Result<Plan> with_projection(Plan plan, const Options& options);

/// The vocabulary that `options` names, else that beside the weights. Errors: kInvalidArgument when
/// it is missing, or has another number of tokens than `vocabulary`.
Result<std::shared_ptr<const text::Tokenizer>> find_tokenizer(const Source& source, int vocabulary,
                                                              const Options& options);

}  // namespace mien::convert
