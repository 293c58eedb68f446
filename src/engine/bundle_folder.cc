#include "engine/bundle_folder.h"

#include <fmt/format.h>

#include "checkpoint/safetensors.h"
#include "core/sha256.h"
#include "core/tar.h"

namespace mien::engine {

namespace fs = std::filesystem;

Result<std::shared_ptr<const BundleFolder>> BundleFolder::open(const fs::path& path,
                                                               const Limits& limits) {
  const auto made = std::make_shared<BundleFolder>();
  made->root_ = path;
  std::error_code error;
  if (fs::is_directory(path, error)) {
    if (!fs::exists(path / kInfoFile, error)) {
      return not_found(
          fmt::format("{}: not a bundle (expected a {} inside)", path.string(), kInfoFile));
    }
    return std::shared_ptr<const BundleFolder>(made);
  }
  MIEN_ASSIGN_OR_RETURN(made->tar_, MappedFile::open(path));
  MIEN_ASSIGN_OR_RETURN(const auto entries, parse_tar(made->tar_->bytes(), path.string(), limits));
  for (const TarEntry& entry : entries) {
    const std::string name = fs::path(entry.name).filename().string();
    if (!made->entries_.emplace(name, entry.bytes).second) {
      return corrupt(fmt::format("{}: duplicate file {}", path.string(), name));
    }
  }
  return std::shared_ptr<const BundleFolder>(made);
}

Result<std::string> BundleFolder::text(const std::string& name, std::uint64_t max_bytes) const {
  if (!tar_) return read_text_file(root_ / name, max_bytes);
  const auto it = entries_.find(name);
  if (it == entries_.end()) return not_found(fmt::format("{}: has no {}", root_.string(), name));
  if (it->second.size() > max_bytes) {
    return resource_limit(fmt::format("{}: {} is too large", root_.string(), name));
  }
  return std::string(reinterpret_cast<const char*>(it->second.data()), it->second.size());
}

Result<std::shared_ptr<const checkpoint::Checkpoint>> BundleFolder::weights(
    const Limits& limits) const {
  if (!tar_) return checkpoint::open_safetensors(root_ / kWeightsFile, limits);
  const auto it = entries_.find(kWeightsFile);
  if (it == entries_.end())
    return not_found(fmt::format("{}: has no {}", root_.string(), kWeightsFile));
  return checkpoint::parse_safetensors(it->second, (root_ / kWeightsFile).string(), limits);
}

Result<std::string> BundleFolder::hash(const std::string& name) const {
  if (tar_) {
    const auto it = entries_.find(name);
    if (it == entries_.end()) return not_found(fmt::format("{}: has no {}", root_.string(), name));
    return sha256_hex(it->second);
  }
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(root_ / name));
  return sha256_hex(map->bytes());
}

Status BundleFolder::verify(const std::map<std::string, std::string>& hashes) const {
  for (const auto& [name, expected] : hashes) {
    MIEN_ASSIGN_OR_RETURN(const std::string found, hash(name));
    if (found != expected) {
      return corrupt(fmt::format("{}: {} was changed (expected sha256 {}, got {})", root_.string(),
                                 name, expected, found));
    }
  }
  return {};
}

Result<Json> parse_info(std::string_view text, std::string_view subject, const Limits& limits) {
  auto parsed = Json::parse(text, limits);
  if (!parsed.ok()) return parsed.status().with_prefix(subject);
  if (!parsed->is_object()) return corrupt(fmt::format("{}: expected an object", subject));
  return parsed;
}

Result<double> number_in(const Json& json, const char* key, double least, double most,
                         std::string_view subject) {
  MIEN_ASSIGN_OR_RETURN(const double value, json_number(json, key, subject));
  if (value >= least && value <= most) return value;
  return corrupt(fmt::format("{}: '{}' is out of range (expected {} to {}, got {})", subject, key,
                             least, most, value));
}

Result<Json> parse_provenance(const Json& json, std::string_view subject) {
  const Json* found = json.find("provenance");
  if (found != nullptr && found->is_object()) return *found;
  return corrupt(fmt::format("{}: 'provenance' is missing (expected an object)", subject));
}

Result<std::string> bundle_kind(const Json& json, std::string_view subject) {
  if (json.find("kind") == nullptr) return std::string(kRecognizerKind);
  return json_string(json, "kind", subject);
}

Result<std::map<std::string, std::string>> parse_files(const Json& json, std::string_view subject) {
  const Json* files = json.find("files");
  if (files == nullptr || !files->is_object()) {
    return corrupt(fmt::format("{}: 'files' is missing (expected file name -> sha256)", subject));
  }
  std::map<std::string, std::string> out;
  for (const auto& [name, hash] : files->as_object()) {
    const bool plain = !name.empty() && name != "." && name != ".." &&
                       name.find_first_of(std::string("/\\\0", 3)) == std::string::npos;
    if (!plain)
      return corrupt(fmt::format("{}: 'files' has a name that is not a plain file name", subject));
    if (!hash.is_string() || hash.as_string().size() != 64) {
      return corrupt(
          fmt::format("{}: '{}' has no sha256 (expected 64 hexadecimal digits)", subject, name));
    }
    out.emplace(name, hash.as_string());
  }
  return out;
}

Json files_json(const std::map<std::string, std::string>& files) {
  Json out = Json::object();
  for (const auto& [file, hash] : files) out.set(file, hash);
  return out;
}

}  // namespace mien::engine
