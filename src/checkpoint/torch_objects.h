#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "checkpoint/parts.h"
#include "checkpoint/pickle.h"

namespace mien::checkpoint {

/// A storage as a pickle names it; its bytes are elsewhere in the file.
struct TorchStorage {
  std::string_view key;
  std::uint64_t count = 0;  ///< elements
  std::uint64_t element_bytes = 0;
  std::optional<DType> dtype;  ///< none for untyped storages and types that we do not read
  std::string type_name;
  std::uint64_t view_offset = 0;  ///< the part in use, in elements (in legacy files)
  std::uint64_t view_count = 0;
};

struct TorchTensor {
  TorchStorage storage;
  DType dtype = DType::kF32;
  std::uint64_t offset = 0;  ///< elements
  Shape shape;
  std::vector<std::int64_t> strides;
};

/// Reads a kPersistent value. Errors: kCorrupt, kUnsupported (a type that is not a storage).
Result<TorchStorage> read_storage(const PickleGraph& graph, PickleId id, std::string_view subject);

/// The name of the global that a kCall calls; empty for other values.
std::string called_name(const PickleGraph& graph, PickleId id);

/// True for a call that makes a tensor, also of kinds that read_tensor rejects.
bool is_tensor(const PickleGraph& graph, PickleId id);
/// Precondition: is_tensor(). Errors: kCorrupt, kUnsupported, kResourceLimit (rank).
Result<TorchTensor> read_tensor(const PickleGraph& graph, PickleId id, std::string_view subject,
                                const Limits& limits);

/// Keys and values of a dict or OrderedDict; nullopt for anything else.
std::optional<std::vector<std::pair<PickleId, PickleId>>> as_map(const PickleGraph& graph,
                                                                 PickleId id);
/// The attributes of a TorchScript module: the map it was built with; kNoPickle for anything else.
PickleId script_attributes(const PickleGraph& graph, PickleId id);

/// True for values that need not be reported: numbers, text, torch.device, torch.float32 ...
bool is_plain(const PickleGraph& graph, PickleId id);

/// The name of an entry: text, or an integer in decimal.
std::optional<std::string> key_text(const PickleGraph& graph, PickleId id);

}  // namespace mien::checkpoint
