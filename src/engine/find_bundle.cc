#include "mien/engine/find_bundle.h"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <utility>

namespace mien::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kLevelsUp = 4;  // build/release/bin -> the source tree

bool is_bundle(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / "bundle.json", error) ||
         (path.extension() == ".tar" && fs::is_regular_file(path, error));
}

}  // namespace

std::vector<fs::path> model_folders() {
  std::vector<fs::path> out;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  if (error) return out;
  fs::path folder = program.parent_path();
  out.push_back(folder.parent_path() / "share" / "mien" / "models");
  for (int level = 0; level < kLevelsUp && folder.has_relative_path(); ++level) {
    folder = folder.parent_path();
    out.push_back(folder / "models");
  }
  return out;
}

Result<fs::path> find_bundle(std::string_view name_or_path, std::span<const fs::path> first) {
  const fs::path path = name_or_path;
  std::error_code error;
  if (fs::exists(path, error)) return path;
  const bool name = !path.empty() && path == path.filename();
  std::string places;
  std::vector<fs::path> folders(first.begin(), first.end());
  for (fs::path& folder : model_folders()) folders.push_back(std::move(folder));
  if (!name) folders.clear();
  for (const fs::path& folder : folders) {
    for (const char* ending : {"", ".tar"}) {
      const fs::path candidate = folder / (path.string() + ending);
      if (is_bundle(candidate)) return candidate;
    }
    places += (places.empty() ? "" : ", ") + folder.string();
  }
  return not_found(
      name ? fmt::format("{}: is no file or folder, and no shipped bundle (looked in {})",
                         name_or_path, places)
           : fmt::format("{}: does not exist (expected a bundle)", name_or_path));
}

}  // namespace mien::engine
