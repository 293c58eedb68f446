#include "checkpoint/torch_objects.h"

#include <fmt/format.h>

#include "core/utf8.h"

namespace mien::checkpoint {
namespace {

struct StorageRow {
  std::string_view name;
  std::uint64_t bytes;
  std::optional<DType> dtype;
};

// Types without a DType are known so that the storages after them can be found.
constexpr StorageRow kStorages[] = {
    {"FloatStorage", 4, DType::kF32},         {"HalfStorage", 2, DType::kF16},
    {"BFloat16Storage", 2, DType::kBF16},     {"DoubleStorage", 8, DType::kF64},
    {"LongStorage", 8, DType::kI64},          {"IntStorage", 4, DType::kI32},
    {"ShortStorage", 2, DType::kI16},         {"CharStorage", 1, DType::kI8},
    {"ByteStorage", 1, DType::kU8},           {"BoolStorage", 1, DType::kBool},
    {"UntypedStorage", 1, std::nullopt},      {"_UntypedStorage", 1, std::nullopt},
    {"ComplexFloatStorage", 8, std::nullopt}, {"ComplexDoubleStorage", 16, std::nullopt},
    {"QInt8Storage", 1, std::nullopt},        {"QUInt8Storage", 1, std::nullopt},
    {"QInt32Storage", 4, std::nullopt},
};

// The call that makes a tensor: of a parameter, its first argument.
enum class Rebuild { kNone, kTensor, kParameter, kOther };

Rebuild rebuild_of(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  if (node.kind != PickleKind::kCall || graph[node.first].kind != PickleKind::kGlobal) {
    return Rebuild::kNone;
  }
  const PickleNode& callee = graph[node.first];
  const std::string_view module = graph[callee.first].text;
  const std::string_view name = graph[callee.second].text;
  if (module == "torch._utils") {
    if (name == "_rebuild_tensor" || name == "_rebuild_tensor_v2") return Rebuild::kTensor;
    if (name == "_rebuild_parameter" || name == "_rebuild_parameter_with_state") {
      return Rebuild::kParameter;
    }
    return Rebuild::kOther;
  }
  return module == "torch._tensor" || module == "torch.sparse" ? Rebuild::kOther : Rebuild::kNone;
}

// A description of an unexpected value, for messages.
std::string kind_of(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  if (node.kind == PickleKind::kGlobal) return fmt::format("'{}'", global_name(graph, id));
  if (node.kind == PickleKind::kCall)
    return fmt::format("an object of '{}'", called_name(graph, id));
  return "another value";
}

// A value of an unknown global is unsupported; anything else unexpected means corruption.
Status unexpected(const PickleGraph& graph, PickleId id, std::string_view subject,
                  std::string_view expected) {
  std::string message =
      fmt::format("{}: tensor needs {} (expected {})", subject, kind_of(graph, id), expected);
  const PickleKind kind = graph[id].kind;
  return kind == PickleKind::kGlobal || kind == PickleKind::kCall ? unsupported(std::move(message))
                                                                  : corrupt(std::move(message));
}

Result<std::uint64_t> as_size(const PickleGraph& graph, PickleId id, std::string_view subject,
                              std::string_view what) {
  if (graph[id].kind != PickleKind::kInt) return unexpected(graph, id, subject, what);
  if (graph[id].integer < 0) {
    return corrupt(fmt::format("{}: tensor has a negative number (expected {}, got {})", subject,
                               what, graph[id].integer));
  }
  return static_cast<std::uint64_t>(graph[id].integer);
}

Result<std::vector<std::int64_t>> as_sizes(const PickleGraph& graph, PickleId id,
                                           std::string_view subject, std::string_view what,
                                           const Limits& limits) {
  // torch.Size is a call with the tuple as its argument.
  if (called_name(graph, id) == "torch.Size" && graph[graph[id].second].items.size() == 1) {
    id = graph[graph[id].second].items[0];
  }
  const PickleNode& node = graph[id];
  if (node.kind != PickleKind::kTuple && node.kind != PickleKind::kList) {
    return unexpected(graph, id, subject, what);
  }
  if (node.items.size() > limits.max_rank) {
    return resource_limit(
        fmt::format("{}: tensor has too many dimensions (expected at most {}, "
                    "got {})",
                    subject, limits.max_rank, node.items.size()));
  }
  std::vector<std::int64_t> out;
  for (const PickleId item : node.items) {
    MIEN_ASSIGN_OR_RETURN(const std::uint64_t size, as_size(graph, item, subject, what));
    out.push_back(static_cast<std::int64_t>(size));
  }
  return out;
}

Result<const StorageRow*> storage_row(const PickleGraph& graph, PickleId id,
                                      std::string_view subject) {
  if (graph[id].kind == PickleKind::kGlobal) {
    const std::string_view module = graph[graph[id].first].text;
    const bool known_module =
        module == "torch" || module == "torch.storage" || module == "torch.cuda";
    for (const StorageRow& row : kStorages) {
      if (known_module && row.name == graph[graph[id].second].text) return &row;
    }
  }
  return unexpected(graph, id, subject, "a torch storage type");
}

}  // namespace

std::string called_name(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  return node.kind == PickleKind::kCall ? global_name(graph, node.first) : std::string();
}

Result<TorchStorage> read_storage(const PickleGraph& graph, PickleId id, std::string_view subject) {
  if (graph[id].kind != PickleKind::kPersistent) {
    return unexpected(graph, id, subject, "a stored storage");
  }
  const PickleNode& tuple = graph[graph[id].first];
  const bool fits =
      tuple.kind == PickleKind::kTuple && (tuple.items.size() == 5 || tuple.items.size() == 6) &&
      graph[tuple.items[0]].text == "storage" && graph[tuple.items[2]].kind == PickleKind::kText;
  if (!fits) return corrupt(fmt::format("{}: pickle has a damaged storage", subject));
  MIEN_ASSIGN_OR_RETURN(const StorageRow* row, storage_row(graph, tuple.items[1], subject));
  TorchStorage out;
  out.key = graph[tuple.items[2]].text;
  out.element_bytes = row->bytes;
  out.dtype = row->dtype;
  out.type_name = row->name;
  MIEN_ASSIGN_OR_RETURN(out.count, as_size(graph, tuple.items[4], subject, "a storage size"));
  out.view_count = out.count;
  if (tuple.items.size() == 6 && graph[tuple.items[5]].kind == PickleKind::kTuple) {
    // (key of the view, offset, size). `count` is that of the root, as the file stores it.
    const PickleNode& view = graph[tuple.items[5]];
    if (view.items.size() != 3) return corrupt(fmt::format("{}: bad storage view", subject));
    MIEN_ASSIGN_OR_RETURN(out.view_offset,
                          as_size(graph, view.items[1], subject, "a storage view offset"));
    MIEN_ASSIGN_OR_RETURN(out.view_count,
                          as_size(graph, view.items[2], subject, "a storage view size"));
    if (out.view_offset > out.count || out.view_count > out.count - out.view_offset) {
      return corrupt(fmt::format("{}: storage view [{}, +{}] lies outside of its {} elements",
                                 subject, out.view_offset, out.view_count, out.count));
    }
  }
  return out;
}

bool is_tensor(const PickleGraph& graph, PickleId id) {
  return rebuild_of(graph, id) != Rebuild::kNone;
}

Result<TorchTensor> read_tensor(const PickleGraph& graph, PickleId id, std::string_view subject,
                                const Limits& limits) {
  constexpr int kMaxWrappers = 4;
  Rebuild rebuild = rebuild_of(graph, id);
  for (int i = 0; i < kMaxWrappers && rebuild == Rebuild::kParameter; ++i) {
    const PickleNode& parameter = graph[graph[id].second];
    if (parameter.items.empty()) return corrupt(fmt::format("{}: empty parameter", subject));
    id = parameter.items[0];
    rebuild = rebuild_of(graph, id);
  }
  if (rebuild != Rebuild::kTensor) {
    return unexpected(graph, id, subject, "torch._utils._rebuild_tensor_v2");
  }
  const std::vector<PickleId>& args = graph[graph[id].second].items;
  if (args.size() < 4) {
    return corrupt(
        fmt::format("{}: tensor has {} arguments (expected 4 or more)", subject, args.size()));
  }
  TorchTensor out;
  MIEN_ASSIGN_OR_RETURN(out.storage, read_storage(graph, args[0], subject));
  if (!out.storage.dtype) {
    return unsupported(fmt::format(
        "{}: tensor has type '{}' (expected float, half, bfloat16, double, an integer or bool)",
        subject, out.storage.type_name));
  }
  out.dtype = *out.storage.dtype;
  MIEN_ASSIGN_OR_RETURN(out.offset, as_size(graph, args[1], subject, "a storage offset"));
  MIEN_ASSIGN_OR_RETURN(out.shape, as_sizes(graph, args[2], subject, "a tensor shape", limits));
  MIEN_ASSIGN_OR_RETURN(out.strides, as_sizes(graph, args[3], subject, "tensor strides", limits));
  if (out.shape.size() != out.strides.size()) {
    return corrupt(fmt::format("{}: tensor has {} sizes, but {} strides", subject, out.shape.size(),
                               out.strides.size()));
  }
  return out;
}

std::optional<std::vector<std::pair<PickleId, PickleId>>> as_map(const PickleGraph& graph,
                                                                 PickleId id) {
  const PickleNode& node = graph[id];
  const bool ordered = called_name(graph, id) == "collections.OrderedDict";
  if (node.kind != PickleKind::kDict && !ordered) return std::nullopt;
  std::vector<std::pair<PickleId, PickleId>> out;
  if (ordered && !graph[node.second].items.empty()) {
    // Old files store the entries as one list of pairs.
    for (const PickleId pair : graph[graph[node.second].items[0]].items) {
      if (graph[pair].items.size() == 2)
        out.emplace_back(graph[pair].items[0], graph[pair].items[1]);
    }
  }
  for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
    out.emplace_back(node.items[i], node.items[i + 1]);
  }
  return out;
}

PickleId script_attributes(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  if (node.state == kNoPickle || graph[node.state].kind != PickleKind::kDict) return kNoPickle;
  return called_name(graph, id).starts_with("__torch__.") ? node.state : kNoPickle;
}

bool is_plain(const PickleGraph& graph, PickleId id) {
  const PickleNode& node = graph[id];
  if (node.kind == PickleKind::kPersistent) return false;
  if (node.kind != PickleKind::kGlobal && node.kind != PickleKind::kCall) return true;
  const std::string name =
      node.kind == PickleKind::kGlobal ? global_name(graph, id) : called_name(graph, id);
  // Protocol 2 has no opcode for bytes and writes them as a call.
  return name == "_codecs.encode" ||
         (name.starts_with("torch.") && name.find('.', 6) == std::string::npos);
}

std::optional<std::string> key_text(const PickleGraph& graph, PickleId id) {
  constexpr std::size_t kMaxKeyBytes = 1024;
  const PickleNode& node = graph[id];
  if (node.kind == PickleKind::kInt) return std::to_string(node.integer);
  if (node.kind != PickleKind::kText || node.text.size() > kMaxKeyBytes ||
      !is_valid_utf8(node.text)) {
    return std::nullopt;
  }
  return std::string(node.text);
}

}  // namespace mien::checkpoint
