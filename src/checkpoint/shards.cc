#include <fmt/format.h>

#include "checkpoint/parts.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/torch_zip.h"
#include "mien/core/json.h"

namespace mien::checkpoint {
namespace {

// Only a file beside the index: no separators, no "..", no hidden file.
bool is_plain_file_name(std::string_view name) {
  constexpr std::size_t kMaxBytes = 255;
  return !name.empty() && name.size() <= kMaxBytes && name.front() != '.' &&
         name.find_first_of(std::string_view("/\\\0:", 4)) == std::string_view::npos;
}

Result<std::shared_ptr<const Checkpoint>> open_shard(const std::filesystem::path& path,
                                                     const Limits& limits,
                                                     std::vector<std::string>* skipped) {
  if (path.extension() == ".safetensors") return open_safetensors(path, limits);
  return open_torch(path, limits, skipped);
}

Result<Json> read_index(const std::filesystem::path& index, const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(index, limits.max_header_bytes));
  auto json = Json::parse(text, limits);
  if (!json.ok()) return json.status().with_prefix(index.string());
  const Json* map = json->find("weight_map");
  if (map == nullptr || !map->is_object() || map->size() == 0) {
    return unsupported(index.string() +
                       ": not a shard index (expected 'weight_map', a map of tensors to files)");
  }
  if (map->size() > limits.max_tensors) {
    return resource_limit(fmt::format("{}: too many tensors (expected at most {}, got {})",
                                      index.string(), limits.max_tensors, map->size()));
  }
  return Json(*map);
}

}  // namespace

Result<Parts> read_shards(const std::filesystem::path& index, const Limits& limits,
                          std::vector<std::string>* skipped) {
  MIEN_ASSIGN_OR_RETURN(const Json map, read_index(index, limits));
  Parts parts;
  std::map<std::string, std::shared_ptr<const Checkpoint>> shards;
  for (const auto& [name, file] : map.as_object()) {
    if (!file.is_string() || !is_plain_file_name(file.as_string())) {
      return corrupt(
          fmt::format("{}: '{}' has a bad file name {} (expected a file in the same "
                      "folder)",
                      index.string(), name, file.dump()));
    }
    auto& shard = shards[file.as_string()];
    if (!shard) {
      MIEN_ASSIGN_OR_RETURN(shard,
                            open_shard(index.parent_path() / file.as_string(), limits, skipped));
      const bool torch = shard->format() != "safetensors";
      const std::string_view format = torch ? "torch-shards" : "safetensors-shards";
      if (!parts.format.empty() && parts.format != format) {
        return unsupported(index.string() + ": shards of two formats (expected one)");
      }
      parts.format = format;
      parts.shards.push_back(shard);
    }
    const TensorView* view = shard->find(name);
    if (view == nullptr) {
      return corrupt(
          fmt::format("{}: '{}' is not in its file '{}'", index.string(), name, file.as_string()));
    }
    parts.tensors.emplace(name, *view);
    parts.metadata.insert(shard->metadata().begin(), shard->metadata().end());
  }
  return parts;
}

}  // namespace mien::checkpoint
