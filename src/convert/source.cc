#include "convert/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "core/file.h"
#include "core/sha256.h"
#include "mien/convert/convert.h"
#include "mien/core/json.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBundleInfo = "bundle.json";
constexpr const char* kBundleWeights = "model.safetensors";
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{64} << 20;

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// Files of `folder` with this ending, sorted.
std::vector<fs::path> files_ending(const fs::path& folder, std::string_view end) {
  std::vector<fs::path> out;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (is_file(entry.path()) && entry.path().filename().string().ends_with(end)) {
      out.push_back(entry.path());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::string> hash_of_file(const fs::path& path) {
  MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(path));
  std::string out = sha256_hex(map->bytes());
  map->release(map->bytes());
  return out;
}

// The shard names that an index lists. The checkpoint reader has checked that they are plain.
Result<std::set<std::string>> shard_names(const fs::path& index) {
  MIEN_ASSIGN_OR_RETURN(const std::string text, read_text_file(index, kMaxIndexBytes));
  MIEN_ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  std::set<std::string> out;
  if (const Json* map = json.find("weight_map"); map != nullptr && map->is_object()) {
    for (const auto& [tensor, file] : map->as_object()) {
      if (file.is_string()) out.insert(file.as_string());
    }
  }
  return out;
}

}  // namespace

Result<fs::path> find_weights(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return not_found(path.string() + ": no such file or folder");
  if (is_file(path)) return path;
  if (!fs::is_directory(path, error)) {
    return invalid_argument(path.string() + ": neither a file nor a folder");
  }
  for (const char* name : {"model.safetensors", "open_clip_model.safetensors"}) {
    if (is_file(path / name)) return path / name;
  }
  if (const auto found = files_ending(path, ".index.json"); !found.empty()) return found.front();
  for (const char* name : {"pytorch_model.bin", "open_clip_pytorch_model.bin"}) {
    if (is_file(path / name)) return path / name;
  }
  for (const char* end : {".pt", ".pth", ".safetensors", ".bin"}) {
    const auto found = files_ending(path, end);
    if (found.size() == 1) return found.front();
    if (found.size() > 1) {
      return unsupported(fmt::format("{}: {} weights files (expected one; give the file itself)",
                                     path.string(), found.size()));
    }
  }
  return not_found(
      path.string() +
      ": no weights in this folder (expected model.safetensors, open_clip_model.safetensors, "
      "*.index.json, pytorch_model.bin, open_clip_pytorch_model.bin or a *.pt file)");
}

bool is_bundle(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return is_file(path / kBundleInfo);
  if (!is_file(path)) return false;  // reading a pipe would block
  if (path.filename() == kBundleWeights) return is_file(path.parent_path() / kBundleInfo);
  std::ifstream file(path, std::ios::binary);
  std::string magic(5, '\0');
  return file.seekg(257) && file.read(magic.data(), 5) && magic == "ustar";
}

Result<Source> open_weights(const fs::path& path, const Limits& limits) {
  Source out;
  out.given = path;
  MIEN_ASSIGN_OR_RETURN(out.weights, find_weights(path));
  out.folder = out.weights.has_parent_path() ? out.weights.parent_path() : fs::path(".");
  MIEN_ASSIGN_OR_RETURN(out.checkpoint,
                        checkpoint::open_checkpoint(out.weights, limits, &out.skipped));
  return out;
}

Result<Source> open_source(const fs::path& path, const Limits& limits) {
  if (!is_bundle(path)) return open_weights(path, limits);
  Source out;
  out.given = path;
  std::error_code error;
  const bool tar = path.filename() != kBundleWeights && !fs::is_directory(path, error);
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  out.folder = fs::is_directory(path, error) ? path : parent;
  out.weights = tar ? path : out.folder / kBundleWeights;
  MIEN_ASSIGN_OR_RETURN(out.bundle,
                        engine::Bundle::load(tar ? path : out.folder, {.limits = limits}));
  out.checkpoint = {out.bundle, &out.bundle->weights()};
  return out;
}

Result<std::vector<fs::path>> files_of(const Source& source) {
  std::vector<fs::path> out = {source.weights};
  if (source.weights.extension() == ".json") {
    MIEN_ASSIGN_OR_RETURN(const auto shards, shard_names(source.weights));
    for (const std::string& name : shards) out.push_back(source.folder / name);
  }
  return out;
}

std::string default_name(const fs::path& given) {
  const fs::path path = absolute_name(given);
  // "models/clip/" and "/" have an empty file name.
  const fs::path last = path.has_filename() ? path : path.parent_path();
  std::error_code error;
  const std::string out =
      fs::is_directory(last, error) ? last.filename().string() : last.stem().string();
  return out.empty() ? "clip" : out;
}

Result<std::map<std::string, std::string>> hash_files(const std::vector<fs::path>& files) {
  std::map<std::string, std::string> out;
  for (const fs::path& file : files) {
    MIEN_ASSIGN_OR_RETURN(out[file.filename().string()], hash_of_file(file));
  }
  return out;
}

}  // namespace mien::convert
