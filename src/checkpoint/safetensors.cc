#include "checkpoint/safetensors.h"

#include <fmt/format.h>

#include <algorithm>

#include "checkpoint/bytes.h"
#include "checkpoint/parts.h"
#include "core/checked.h"
#include "mien/core/json.h"

namespace mien::checkpoint {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kFormatHeaderLimit = 100'000'000;

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::string_view name;
};

Result<std::string_view> header_text(std::span<const std::byte> bytes, std::string_view subject,
                                     const Limits& limits) {
  if (bytes.size() < kLengthBytes + 2) {
    return corrupt(fmt::format("{}: file is truncated (expected a header, got {} bytes)", subject,
                               bytes.size()));
  }
  const auto length = load_le<std::uint64_t>(bytes, 0);
  const std::uint64_t most = std::min(kFormatHeaderLimit, limits.max_header_bytes);
  // Subtract, never add: a hostile length would overflow.
  if (length > bytes.size() - kLengthBytes) {
    return corrupt(
        fmt::format("{}: header does not fit into the file (expected at most {} bytes, "
                    "got {})",
                    subject, bytes.size() - kLengthBytes, length));
  }
  if (length > most) {
    return resource_limit(fmt::format("{}: header is too long (expected at most {} bytes, got {})",
                                      subject, most, length));
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              static_cast<std::size_t>(length));
  if (!text.starts_with('{')) {
    return corrupt(fmt::format("{}: header is not JSON (expected '{{' first)", subject));
  }
  // JSON parsers take a NUL for the end of the text, which would hide what follows it.
  if (text.find('\0') != std::string_view::npos) {
    return corrupt(fmt::format("{}: header has a NUL byte", subject));
  }
  const std::string_view padded = text.substr(0, text.find_last_not_of(' ') + 1);
  if (!padded.ends_with('}')) {
    return corrupt(
        fmt::format("{}: header does not end with '}}' and spaces (padding expected)", subject));
  }
  return padded;
}

Status read_metadata(const Json& value, std::string_view subject,
                     std::map<std::string, std::string>& out) {
  if (!value.is_object()) {
    return corrupt(fmt::format("{}: '__metadata__' is not a map (expected text to text)", subject));
  }
  for (const auto& [key, text] : value.as_object()) {
    if (!text.is_string()) {
      return corrupt(fmt::format("{}: '__metadata__' entry '{}' is not text", subject, key));
    }
    out.emplace(key, text.as_string());
  }
  return {};
}

Result<Shape> read_shape(const Json& info, std::string_view what, const Limits& limits) {
  const Json* shape = info.find("shape");
  if (shape == nullptr || !shape->is_array()) {
    return corrupt(fmt::format("{} has no shape (expected a list of sizes)", what));
  }
  if (shape->size() > limits.max_rank) {
    return resource_limit(fmt::format("{} has too many dimensions (expected at most {}, got {})",
                                      what, limits.max_rank, shape->size()));
  }
  Shape out;
  for (const Json& size : shape->as_array()) {
    if (!size.is_integer() || size.as_integer() < 0) {
      return corrupt(
          fmt::format("{} has a bad size {} (expected an integer >= 0)", what, size.dump()));
    }
    out.push_back(size.as_integer());
  }
  return out;
}

Result<DType> read_dtype(const Json& info, std::string_view what) {
  const Json* dtype = info.find("dtype");
  if (dtype == nullptr || !dtype->is_string()) {
    return corrupt(fmt::format("{} has no dtype", what));
  }
  if (const auto known = find_dtype(dtype->as_string())) return *known;
  return unsupported(
      fmt::format("{} has dtype '{}' (expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL)",
                  what, dtype->as_string()));
}

Result<Range> read_offsets(const Json& info, std::string_view what, std::uint64_t buffer_bytes) {
  const Json* offsets = info.find("data_offsets");
  if (offsets == nullptr || !offsets->is_array() || offsets->size() != 2 ||
      !offsets->as_array()[0].is_integer() || !offsets->as_array()[1].is_integer() ||
      offsets->as_array()[0].as_integer() < 0 || offsets->as_array()[1].as_integer() < 0) {
    return corrupt(fmt::format("{} has bad data_offsets (expected two integers >= 0)", what));
  }
  Range out;
  out.begin = static_cast<std::uint64_t>(offsets->as_array()[0].as_integer());
  out.end = static_cast<std::uint64_t>(offsets->as_array()[1].as_integer());
  if (out.begin > out.end || out.end > buffer_bytes) {
    return corrupt(fmt::format("{} has data_offsets [{}, {}] (expected a range inside {} bytes)",
                               what, out.begin, out.end, buffer_bytes));
  }
  return out;
}

Result<TensorView> read_tensor(const Json& info, const std::string& what,
                               std::span<const std::byte> buffer, const Limits& limits,
                               Range& range) {
  if (!info.is_object()) return corrupt(what + " is not described by a map");
  MIEN_ASSIGN_OR_RETURN(const DType dtype, read_dtype(info, what));
  MIEN_ASSIGN_OR_RETURN(Shape shape, read_shape(info, what, limits));
  MIEN_ASSIGN_OR_RETURN(range, read_offsets(info, what, buffer.size()));
  const auto count = element_count(shape);
  const auto bytes =
      count ? checked_mul<std::uint64_t>(*count, byte_size(dtype)) : std::optional<std::uint64_t>();
  if (!bytes) return corrupt(fmt::format("{} has an overflowing shape {}", what, to_string(shape)));
  if (*bytes != range.end - range.begin) {
    return corrupt(fmt::format("{} of shape {} and dtype {} has {} bytes (expected {})", what,
                               to_string(shape), to_string(dtype), range.end - range.begin,
                               *bytes));
  }
  return TensorView(
      dtype, std::move(shape),
      buffer.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(*bytes)));
}

// The ranges must cover the buffer exactly: no byte twice, none unused.
Status check_cover(std::vector<Range>& ranges, std::uint64_t buffer_bytes,
                   std::string_view subject) {
  // By the end, too: an empty range comes before the one that begins at the same byte.
  std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t used = 0;
  for (const Range& range : ranges) {
    if (range.begin != used) {
      return corrupt(fmt::format(
          "{}: '{}' {} (expected to begin at byte {}, got {})", subject, range.name,
          range.begin < used ? "overlaps the tensor before it" : "leaves a gap before it", used,
          range.begin));
    }
    used = range.end;
  }
  if (used != buffer_bytes) {
    return corrupt(fmt::format("{}: unused data at the end (expected {} bytes, got {})", subject,
                               used, buffer_bytes));
  }
  return {};
}

}  // namespace

bool looks_like_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > kLengthBytes && bytes[kLengthBytes] == std::byte{'{'} &&
         load_le<std::uint64_t>(bytes, 0) <= bytes.size() - kLengthBytes;
}

Result<Parts> read_safetensors(std::span<const std::byte> bytes, std::string_view subject,
                               const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const std::string_view text, header_text(bytes, subject, limits));
  auto header = Json::parse(text, limits);
  if (!header.ok()) return header.status().with_prefix(std::string(subject) + ": header");
  const auto buffer =
      bytes.subspan(static_cast<std::size_t>(kLengthBytes + load_le<std::uint64_t>(bytes, 0)));
  if (header->size() > limits.max_tensors + 1) {  // one more for `__metadata__`
    return resource_limit(fmt::format("{}: too many tensors (expected at most {}, got {})", subject,
                                      limits.max_tensors, header->size()));
  }
  Parts parts;
  parts.format = "safetensors";
  std::vector<Range> ranges;
  ranges.reserve(header->size());
  for (const auto& [name, info] : header->as_object()) {
    if (name == "__metadata__") {
      MIEN_RETURN_IF_ERROR(read_metadata(info, subject, parts.metadata));
      continue;
    }
    Range range;
    MIEN_ASSIGN_OR_RETURN(TensorView view, read_tensor(info, fmt::format("{}: '{}'", subject, name),
                                                       buffer, limits, range));
    range.name = name;
    ranges.push_back(range);
    parts.tensors.emplace(name, std::move(view));
  }
  if (parts.tensors.size() > limits.max_tensors) {
    return resource_limit(fmt::format("{}: too many tensors (expected at most {}, got {})", subject,
                                      limits.max_tensors, parts.tensors.size()));
  }
  MIEN_RETURN_IF_ERROR(check_cover(ranges, buffer.size(), subject));
  return parts;
}

Result<std::shared_ptr<const Checkpoint>> parse_safetensors(std::span<const std::byte> bytes,
                                                            std::string_view subject,
                                                            const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(Parts parts, read_safetensors(bytes, subject, limits));
  return make_checkpoint(std::move(parts));
}

Result<std::shared_ptr<const Checkpoint>> open_safetensors(const std::filesystem::path& path,
                                                           const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(auto file, map_checkpoint(path, limits));
  MIEN_ASSIGN_OR_RETURN(Parts parts, read_safetensors(file->bytes(), path.string(), limits));
  parts.file = std::move(file);
  return make_checkpoint(std::move(parts));
}

}  // namespace mien::checkpoint
