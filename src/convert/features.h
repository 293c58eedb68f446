#pragma once

// Text embeddings of labels.

#include <memory>
#include <span>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/engine/architecture.h"
#include "mien/text/labels.h"
#include "text/tokenizer.h"

namespace mien::convert {

/// Unit text embeddings of all texts of `labels`, in order. Errors: kCorrupt when they are not
/// finite.
Result<Tensor> label_features(std::shared_ptr<const checkpoint::Checkpoint> weights,
                              const engine::Architecture& architecture,
                              const text::Tokenizer& tokenizer,
                              const std::vector<text::Label>& labels);

/// Unit embeddings of token ids, each row as long as the context. Errors: as above.
Result<Tensor> embed_rows(std::shared_ptr<const checkpoint::Checkpoint> weights,
                          const engine::Architecture& architecture,
                          const std::vector<std::vector<std::int32_t>>& rows);

bool is_finite(std::span<const float> values);

}  // namespace mien::convert
