#pragma once

#include <functional>
#include <span>

#include "checkpoint/torch_objects.h"

namespace mien::checkpoint {

struct CollectOptions {
  bool script = false;      ///< objects are TorchScript modules
  bool big_endian = false;  ///< byte order of the storages
};

/// The bytes of a storage (at least count * element_bytes of them); stays valid as long as the
/// checkpoint. Errors: kCorrupt when missing or too small.
using StorageLookup =
    std::function<Result<std::span<const std::byte>>(const TorchStorage& storage)>;

/// Names all tensors of a pickle and fills in parts.tensors: views into the storages, or copies in
/// parts.owned where a tensor is not contiguous or of the other byte order.
Status collect_tensors(const PickleGraph& graph, const CollectOptions& options,
                       const StorageLookup& lookup, std::string_view subject, const Limits& limits,
                       CopyBudget& budget, std::vector<std::string>* skipped, Parts& parts);

}  // namespace mien::checkpoint
