#include <fmt/format.h>

#include <set>

#include "checkpoint/bytes.h"
#include "checkpoint/safetensors.h"
#include "core/checked.h"
#include "core/file.h"
#include "core/utf8.h"
#include "mien/core/json.h"

namespace mien::checkpoint {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMaxHeaderBytes = 100'000'000;

Status check_text(std::string_view text, const std::string& subject, std::string_view what) {
  if (is_valid_utf8(text)) return {};
  return invalid_argument(fmt::format("{}: {} is not UTF-8", subject, what));
}

Result<Json> metadata_json(const std::map<std::string, std::string>& metadata,
                           const std::string& subject) {
  Json::Object out;
  for (const auto& [key, value] : metadata) {
    MIEN_RETURN_IF_ERROR(check_text(key, subject, "a metadata key"));
    MIEN_RETURN_IF_ERROR(check_text(value, subject, "metadata '" + key + "'"));
    out.emplace_back(key, Json(value));
  }
  return Json(std::move(out));
}

Result<std::string> make_header(const std::string& subject, const NamedTensors& tensors,
                                const std::map<std::string, std::string>& metadata) {
  // Members are appended, not set: set() searches, which is slow for many tensors.
  Json::Object header;
  if (!metadata.empty()) {
    MIEN_ASSIGN_OR_RETURN(Json value, metadata_json(metadata, subject));
    header.emplace_back("__metadata__", std::move(value));
  }
  std::set<std::string_view> seen;
  std::uint64_t offset = 0;
  for (const auto& [name, view] : tensors) {
    MIEN_RETURN_IF_ERROR(check_text(name, subject, "a tensor's name"));
    if (name == "__metadata__" || !seen.insert(name).second) {
      return invalid_argument(
          fmt::format("{}: tensor name '{}' is a duplicate or reserved", subject, name));
    }
    const auto end = checked_add<std::uint64_t>(offset, view.bytes().size());
    if (!end) return invalid_argument(subject + ": the tensors' sizes overflow");
    Json::Array shape;
    for (const std::int64_t size : view.shape()) shape.emplace_back(size);
    Json::Object info;
    info.emplace_back("dtype", Json(to_string(view.dtype())));
    info.emplace_back("shape", Json(std::move(shape)));
    info.emplace_back("data_offsets", Json(Json::Array{Json(offset), Json(*end)}));
    header.emplace_back(name, Json(std::move(info)));
    offset = *end;
  }
  std::string text = Json(std::move(header)).dump();
  const std::size_t padding = (kAlignment - (text.size() + 8) % kAlignment) % kAlignment;
  text.append(padding, ' ');
  if (text.size() > kMaxHeaderBytes) {
    return invalid_argument(
        fmt::format("{}: header is too long (expected at most {} bytes, got {})", subject,
                    kMaxHeaderBytes, text.size()));
  }
  return text;
}

}  // namespace

Status write_safetensors(const std::filesystem::path& path, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata) {
  MIEN_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MIEN_RETURN_IF_ERROR(write_safetensors(file, path.string(), tensors, metadata));
  return file.commit();
}

Status write_safetensors(AtomicFile& file, const std::string& subject, const NamedTensors& tensors,
                         const std::map<std::string, std::string>& metadata) {
  MIEN_ASSIGN_OR_RETURN(const std::string header, make_header(subject, tensors, metadata));
  const auto length = static_cast<std::uint64_t>(header.size());
  MIEN_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(&length, 1))));
  MIEN_RETURN_IF_ERROR(file.write(header));
  for (const auto& [name, view] : tensors) MIEN_RETURN_IF_ERROR(file.write(view.bytes()));
  return {};
}

}  // namespace mien::checkpoint
