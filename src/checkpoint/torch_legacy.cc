#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "checkpoint/bytes.h"
#include "checkpoint/torch_tensor.h"
#include "core/checked.h"

namespace mien::checkpoint {
namespace {

using Bytes = std::span<const std::byte>;

// 0x1950a86a20f9469cfc6c and 1001, which start every file of the legacy format.
constexpr std::array<unsigned char, 10> kMagic = {0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                                  0x20, 0x6a, 0xa8, 0x50, 0x19};
constexpr std::int64_t kProtocol = 1001;

Result<PickleGraph> next_pickle(Bytes& rest, std::string_view subject, const Limits& limits) {
  auto graph = run_pickle(rest, subject, limits);
  if (graph.ok()) rest = rest.subspan(graph->consumed);
  return graph;
}

Status read_opening(Bytes& rest, std::string_view subject, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const PickleGraph magic, next_pickle(rest, subject, limits));
  const PickleNode& number = magic[magic.root];
  const bool fits =
      number.kind == PickleKind::kBigInt &&
      std::equal(number.text.begin(), number.text.end(), kMagic.begin(), kMagic.end(),
                 [](char a, unsigned char b) { return static_cast<unsigned char>(a) == b; });
  if (!fits) {
    std::string got = global_name(magic, magic.root);
    if (got.empty()) got = called_name(magic, magic.root);
    return unsupported(
        fmt::format("{}: a pickle, but not of torch.save (expected its magic number{})", subject,
                    got.empty() ? "" : fmt::format(", got '{}'", got)));
  }
  MIEN_ASSIGN_OR_RETURN(const PickleGraph protocol, next_pickle(rest, subject, limits));
  const PickleNode& version = protocol[protocol.root];
  if (version.kind != PickleKind::kInt || version.integer != kProtocol) {
    return unsupported(fmt::format("{}: unknown torch.save protocol {} (expected {})", subject,
                                   version.integer, kProtocol));
  }
  // Describes the machine that wrote the file; the data is little-endian in any case.
  return next_pickle(rest, subject, limits).status();
}

// Element sizes by key: the data section has only counts.
Result<std::map<std::string_view, TorchStorage>> all_storages(const PickleGraph& graph,
                                                              std::string_view subject) {
  std::map<std::string_view, TorchStorage> out;
  for (PickleId id = 0; id < graph.nodes.size(); ++id) {
    if (graph[id].kind != PickleKind::kPersistent) continue;
    const PickleNode& tuple = graph[graph[id].first];
    const bool is_module = tuple.kind == PickleKind::kTuple && !tuple.items.empty() &&
                           graph[tuple.items[0]].text == "module";
    if (is_module) continue;  // source code of a pickled module, never used
    MIEN_ASSIGN_OR_RETURN(TorchStorage storage, read_storage(graph, id, subject));
    const auto [known, is_new] = out.emplace(storage.key, storage);
    if (!is_new && (known->second.element_bytes != storage.element_bytes ||
                    known->second.count != storage.count)) {
      return corrupt(fmt::format("{}: storage '{}' has two different descriptions", subject,
                                 printable(storage.key)));
    }
  }
  return out;
}

Result<std::map<std::string_view, Bytes>> read_data(
    Bytes rest, const PickleGraph& keys, const std::map<std::string_view, TorchStorage>& storages,
    std::string_view subject) {
  if (keys[keys.root].kind != PickleKind::kList) {
    return corrupt(fmt::format("{}: list of storage keys is damaged", subject));
  }
  std::map<std::string_view, Bytes> out;
  for (const PickleId id : keys[keys.root].items) {
    const auto found = storages.find(keys[id].text);
    if (keys[id].kind != PickleKind::kText || found == storages.end()) {
      return corrupt(fmt::format("{}: storage '{}' does not belong to a tensor", subject,
                                 printable(keys[id].text)));
    }
    const TorchStorage& storage = found->second;
    if (rest.size() < sizeof(std::uint64_t)) {
      return corrupt(
          fmt::format("{}: file ends before storage '{}'", subject, printable(storage.key)));
    }
    const auto count = load_le<std::uint64_t>(rest, 0);
    if (count != storage.count) {
      return corrupt(fmt::format("{}: storage '{}' has another size (expected {} elements, got {})",
                                 subject, printable(storage.key), storage.count, count));
    }
    const auto bytes = checked_mul<std::uint64_t>(count, storage.element_bytes);
    const auto data = bytes ? checked_subspan(rest, sizeof(count), *bytes) : std::nullopt;
    if (!data) {
      return corrupt(
          fmt::format("{}: file ends inside of storage '{}'", subject, printable(storage.key)));
    }
    rest = rest.subspan(sizeof(count) + data->size());
    if (!out.emplace(found->first, *data).second) {
      return corrupt(fmt::format("{}: duplicate storage '{}'", subject, printable(storage.key)));
    }
  }
  return out;
}

}  // namespace

Result<Parts> read_torch_legacy(Bytes bytes, std::string_view subject, const Limits& limits,
                                std::vector<std::string>* skipped) {
  CopyBudget budget(bytes.size(), limits);
  Bytes rest = bytes;
  MIEN_RETURN_IF_ERROR(read_opening(rest, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const PickleGraph graph, next_pickle(rest, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const auto storages, all_storages(graph, subject));
  MIEN_ASSIGN_OR_RETURN(const PickleGraph keys, next_pickle(rest, subject, limits));
  MIEN_ASSIGN_OR_RETURN(const auto data, read_data(rest, keys, storages, subject));
  const StorageLookup lookup = [&](const TorchStorage& storage) -> Result<Bytes> {
    const auto found = data.find(storage.key);
    if (found != data.end()) return found->second;
    return corrupt(fmt::format("{}: storage '{}' is missing", subject, printable(storage.key)));
  };
  Parts parts;
  parts.format = "torch-legacy";
  MIEN_RETURN_IF_ERROR(collect_tensors(graph, {}, lookup, subject, limits, budget, skipped, parts));
  return parts;
}

}  // namespace mien::checkpoint
