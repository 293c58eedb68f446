#pragma once

#include <string>
#include <utility>
#include <vector>

#include "checkpoint/pickle.h"
#include "checkpoint/torch_objects.h"

namespace mien::checkpoint {

/// Names the tensors that a pickle contains. Wrappers such as {"state_dict": ..., "epoch": ...} are
/// skipped, optimiser state is left out, nested maps give dotted names; with `script`, so do
/// TorchScript modules. Omissions that a user should know about are added to `skipped` (may be
/// null). Errors: kUnsupported when there are no tensors, kCorrupt, kResourceLimit.
Result<std::vector<std::pair<std::string, PickleId>>> name_tensors(
    const PickleGraph& graph, bool script, std::string_view subject, const Limits& limits,
    std::vector<std::string>* skipped);

}  // namespace mien::checkpoint
