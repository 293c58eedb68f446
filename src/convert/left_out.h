#pragma once

// Tensors that a conversion leaves out, and those that it must not leave out.

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/name_map.h"
#include "mien/checkpoint/checkpoint.h"
#include "mien/core/status.h"

namespace mien::convert {

/// Tensors that no row reads, except buffers without weights.
std::vector<std::string> find_left_out(const checkpoint::Checkpoint& weights,
                                       const std::vector<checkpoint::TensorSource>& rows);

/// Checks that the towers alone give the same answers as the source: leaving out a tensor that
/// takes part in them (learned prompts, adapters, a patch of pixels) makes another model.
/// `allowed`: prefixes of names that may be left out nevertheless. Errors: kUnsupported naming the
/// first of them, and what is missing from a checkpoint of HESP.
Status check_left_out(const checkpoint::Checkpoint& weights, const std::vector<std::string>& names,
                      const std::vector<std::string>& allowed, std::int64_t image_size);

/// kUnsupported, with what is missing, if the weights contain the learned pixels of HESP.
Status check_not_hesp(const checkpoint::Checkpoint& weights, std::int64_t image_size);

}  // namespace mien::convert
