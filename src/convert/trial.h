#pragma once

// Checks that a model works, and that it is the same after writing.

#include <vector>

#include "mien/engine/bundle.h"

namespace mien::convert {

/// The outputs of the parts of a model for fixed inputs.
struct Trial {
  std::vector<float> picture;     ///< embedding of a grey pattern
  std::vector<float> clip;        ///< of two frames; empty: no temporal model
  std::vector<float> regression;  ///< of two clips; empty: no regression head

  bool operator==(const Trial&) const = default;
};

/// Runs every part once. Errors: kCorrupt when a number is not finite; those of loading the parts.
Result<Trial> try_weights(const checkpoint::Checkpoint& weights,
                          const engine::Architecture& architecture);
Result<Trial> try_bundle(const engine::Bundle& bundle);

/// Errors: kInternal naming the part that differs.
Status check_same(const Trial& before, const Trial& after, const std::string& subject);

}  // namespace mien::convert
