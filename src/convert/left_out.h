#pragma once

// What a conversion leaves out of a checkpoint, and what it must not leave out.

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/name_map.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/core/status.h"

namespace mien::convert {

/// Tensors that no row reads, without buffers that hold no weights.
std::vector<std::string> find_left_out(const checkpoint::Checkpoint& weights,
                                       const std::vector<checkpoint::TensorSource>& rows);

/// Whether the towers alone give what the source gives: a tensor left out that takes part in its
/// answers (learned prompts, adapters, a patch of pixels) makes another model of it. `allowed`:
/// beginnings of names that may be left out all the same. Errors: kUnsupported naming the first of
/// them, and what is missing from a checkpoint of HESP.
Status check_left_out(const checkpoint::Checkpoint& weights, const std::vector<std::string>& names,
                      const std::vector<std::string>& allowed, std::int64_t image_size);

/// kUnsupported with what is missing when the weights hold the learned pixels of HESP.
Status check_not_hesp(const checkpoint::Checkpoint& weights, std::int64_t image_size);

}  // namespace mien::convert
