#include "checkpoint/onnx.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "core/checked.h"
#include "core/file.h"

namespace mien::checkpoint {
namespace {

constexpr std::size_t kMostNodes = 10'000;
constexpr std::size_t kMostName = 1000;
constexpr std::size_t kMostValues = 64;  // inputs, outputs, or numbers of an attribute

// A protocol buffers message, field by field. A field of an unexpected type is skipped, as protobuf
// itself does.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : left_(bytes) {}

  struct Field {
    std::uint32_t number = 0;
    std::uint32_t type = 0;
    std::uint64_t value = 0;           // of a varint or a fixed number
    std::span<const std::byte> bytes;  // of a string, a message or packed numbers
  };
  static constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5;

  /// False at the end, or when the bytes are not a message: broken() is then true.
  bool next(Field& out) {
    if (left_.empty()) return false;
    std::uint64_t key = 0;
    if (!varint(key)) return fail();
    out = {};
    out.number = static_cast<std::uint32_t>(key >> 3);
    out.type = static_cast<std::uint32_t>(key & 7);
    if (out.number == 0 || key >> 32 != 0) return fail();
    if (out.type == kVarint) return varint(out.value) || fail();
    if (out.type == kFixed64 || out.type == kFixed32)
      return fixed(out.type == kFixed64 ? 8 : 4, out.value) || fail();
    if (out.type != kBytes) return fail();
    std::uint64_t size = 0;
    if (!varint(size)) return fail();
    const auto part = checked_subspan(left_, 0, size);
    if (!part) return fail();
    out.bytes = *part;
    left_ = left_.subspan(part->size());
    return true;
  }
  bool broken() const { return broken_; }

  bool varint(std::uint64_t& out) {
    out = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(left_.front());
      left_ = left_.subspan(1);
      out |= (byte & 0x7F) << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }
  bool empty() const { return left_.empty(); }

 private:
  bool fixed(std::size_t size, std::uint64_t& out) {
    const auto part = checked_subspan(left_, 0, size);
    if (!part) return false;
    out = 0;
    for (std::size_t i = 0; i < size; ++i)
      out |= std::to_integer<std::uint64_t>((*part)[i]) << (8 * i);
    left_ = left_.subspan(size);
    return true;
  }
  bool fail() {
    broken_ = true;
    return false;
  }
  std::span<const std::byte> left_;
  bool broken_ = false;
};

using Field = Fields::Field;

// Calls use(field) -> Status for every field.
template <class Use>
Status each_field(std::span<const std::byte> bytes, std::string_view subject, const Use& use) {
  Fields fields(bytes);
  Field field;
  while (fields.next(field)) MIEN_RETURN_IF_ERROR(use(field));
  if (!fields.broken()) return {};
  return corrupt(
      fmt::format("{}: not an ONNX model (a field ends early or has no known type)", subject));
}

Result<std::string> name_of(const Field& field, std::string_view subject) {
  if (field.type != Fields::kBytes || field.bytes.size() > kMostName) {
    return corrupt(fmt::format("{}: a name is not text of at most {} bytes", subject, kMostName));
  }
  return std::string(reinterpret_cast<const char*>(field.bytes.data()), field.bytes.size());
}

// Integers, single or packed.
Status add_integers(const Field& field, std::size_t most, std::vector<std::int64_t>& to,
                    std::string_view subject) {
  const auto full = [&] {
    return corrupt(fmt::format("{}: more than {} numbers in one list", subject, most));
  };
  if (field.type == Fields::kVarint) {
    if (to.size() >= most) return full();
    to.push_back(static_cast<std::int64_t>(field.value));
    return {};
  }
  if (field.type != Fields::kBytes)
    return corrupt(fmt::format("{}: numbers of an unknown form", subject));
  Fields packed(field.bytes);
  while (!packed.empty()) {
    std::uint64_t value = 0;
    if (!packed.varint(value))
      return corrupt(fmt::format("{}: a list of numbers ends early", subject));
    if (to.size() >= most) return full();
    to.push_back(static_cast<std::int64_t>(value));
  }
  return {};
}

// TensorProto.
struct Weight {
  std::string name;
  TensorView view;
  bool is_float = false;
};

constexpr std::int64_t kFloat = 1;  // TensorProto.DataType

Result<Weight> parse_tensor(std::span<const std::byte> bytes, std::string_view subject,
                            const Limits& limits) {
  Weight out;
  std::vector<std::int64_t> dims;
  std::int64_t type = 0;
  std::span<const std::byte> raw;
  bool external = false;
  MIEN_RETURN_IF_ERROR(each_field(bytes, subject, [&](const Field& field) -> Status {
    switch (field.number) {
      case 1: return add_integers(field, limits.max_rank, dims, subject);
      case 2: type = static_cast<std::int64_t>(field.value); break;
      case 4:
        // Packed floats are the same bytes as raw data.
        if (field.type == Fields::kBytes && type == kFloat) raw = field.bytes;
        break;
      case 8: {
        MIEN_ASSIGN_OR_RETURN(out.name, name_of(field, subject));
        break;
      }
      case 9:
        if (field.type == Fields::kBytes) raw = field.bytes;
        break;
      case 13:
      case 14: external = external || field.value != 0 || !field.bytes.empty(); break;
      default: break;
    }
    return {};
  }));
  if (external) {
    return unsupported(fmt::format(
        "{}: '{}' is stored in another file (expected a model of one file)", subject, out.name));
  }
  out.is_float = type == kFloat;
  if (!out.is_float) return out;
  std::uint64_t count = 1;
  for (const std::int64_t dim : dims) {
    const auto product =
        dim >= 0 ? checked_mul(count, static_cast<std::uint64_t>(dim)) : std::nullopt;
    if (!product)
      return corrupt(fmt::format("{}: '{}' has an impossible shape", subject, out.name));
    count = *product;
  }
  const auto size = checked_mul(count, std::uint64_t{sizeof(float)});
  if (!size || *size != raw.size()) {
    return corrupt(fmt::format("{}: '{}' has {} bytes (expected {} numbers of 4)", subject,
                               out.name, raw.size(), count));
  }
  out.view = TensorView(DType::kF32, Shape(dims.begin(), dims.end()), raw);
  return out;
}

// AttributeProto: integers only.
Status parse_attribute(std::span<const std::byte> bytes, std::string_view subject, OnnxNode& node) {
  std::string name;
  std::vector<std::int64_t> values;
  MIEN_RETURN_IF_ERROR(each_field(bytes, subject, [&](const Field& field) -> Status {
    if (field.number == 1) {
      MIEN_ASSIGN_OR_RETURN(name, name_of(field, subject));
    } else if (field.number == 3 || field.number == 8) {
      return add_integers(field, kMostValues, values, subject);
    }
    return {};
  }));
  if (!values.empty()) node.integers[name] = std::move(values);
  return {};
}

Result<OnnxNode> parse_node(std::span<const std::byte> bytes, std::string_view subject) {
  OnnxNode out;
  MIEN_RETURN_IF_ERROR(each_field(bytes, subject, [&](const Field& field) -> Status {
    if (field.number == 1 || field.number == 2) {
      auto& to = field.number == 1 ? out.inputs : out.outputs;
      if (to.size() >= kMostValues) {
        return corrupt(fmt::format("{}: a node of more than {} values", subject, kMostValues));
      }
      MIEN_ASSIGN_OR_RETURN(auto name, name_of(field, subject));
      to.push_back(std::move(name));
    } else if (field.number == 4) {
      MIEN_ASSIGN_OR_RETURN(out.op, name_of(field, subject));
    } else if (field.number == 5 && field.type == Fields::kBytes) {
      return parse_attribute(field.bytes, subject, out);
    }
    return {};
  }));
  return out;
}

// The name of a ValueInfoProto.
Result<std::string> parse_value(const Field& field, std::string_view subject) {
  std::string out;
  MIEN_RETURN_IF_ERROR(each_field(field.bytes, subject, [&](const Field& inner) -> Status {
    if (inner.number == 1) {
      MIEN_ASSIGN_OR_RETURN(out, name_of(inner, subject));
    }
    return {};
  }));
  return out;
}

Result<OnnxGraph> parse_graph(std::span<const std::byte> bytes, std::string_view subject,
                              const Limits& limits) {
  OnnxGraph out;
  std::set<std::string> constants;
  MIEN_RETURN_IF_ERROR(each_field(bytes, subject, [&](const Field& field) -> Status {
    if (field.type != Fields::kBytes) return {};
    if (out.nodes.size() > kMostNodes ||
        constants.size() > std::min<std::uint64_t>(limits.max_tensors, kMostNodes) ||
        out.inputs.size() + out.outputs.size() > kMostNodes) {
      return resource_limit(fmt::format("{}: more than {} nodes or tensors", subject, kMostNodes));
    }
    if (field.number == 1) {
      MIEN_ASSIGN_OR_RETURN(auto node, parse_node(field.bytes, subject));
      out.nodes.push_back(std::move(node));
    } else if (field.number == 5) {
      MIEN_ASSIGN_OR_RETURN(auto weight, parse_tensor(field.bytes, subject, limits));
      if (!constants.insert(weight.name).second) {
        return corrupt(fmt::format("{}: duplicate tensor '{}'", subject, weight.name));
      }
      if (weight.is_float) out.weights.emplace(std::move(weight.name), weight.view);
    } else if (field.number == 11 || field.number == 12) {
      MIEN_ASSIGN_OR_RETURN(auto name, parse_value(field, subject));
      (field.number == 11 ? out.inputs : out.outputs).push_back(std::move(name));
    }
    return {};
  }));
  std::erase_if(out.inputs, [&](const std::string& name) { return constants.contains(name); });
  return out;
}

}  // namespace

Result<OnnxGraph> parse_onnx(std::span<const std::byte> bytes, std::string_view subject,
                             const Limits& limits) {
  std::optional<OnnxGraph> out;
  MIEN_RETURN_IF_ERROR(each_field(bytes, subject, [&](const Field& field) -> Status {
    if (field.number != 7 || field.type != Fields::kBytes) return {};
    if (out) return corrupt(fmt::format("{}: two graphs (expected one)", subject));
    MIEN_ASSIGN_OR_RETURN(out, parse_graph(field.bytes, subject, limits));
    return {};
  }));
  if (!out) return corrupt(fmt::format("{}: not an ONNX model (it has no graph)", subject));
  return std::move(*out);
}

Result<OnnxFile> open_onnx(const std::filesystem::path& path, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(path));
  if (map->bytes().size() > limits.max_file_bytes) {
    return resource_limit(fmt::format("{}: is too large", path.string()));
  }
  OnnxFile out;
  MIEN_ASSIGN_OR_RETURN(out.graph, parse_onnx(map->bytes(), path.string(), limits));
  out.bytes = map;
  return out;
}

}  // namespace mien::checkpoint
