#include "mien/engine/find_bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "core/spelling.h"

namespace mien::engine {
namespace {

namespace fs = std::filesystem;

constexpr int kLevelsUp = 4;  // build/release/bin -> the source tree

bool is_bundle(const fs::path& path) {
  std::error_code error;
  return fs::exists(path / "bundle.json", error) ||
         (path.extension() == ".tar" && fs::is_regular_file(path, error));
}

// The names by which the bundles of a folder can be called.
void add_names(const fs::path& folder, std::set<std::string>& out) {
  std::error_code error;
  fs::directory_iterator it(folder, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const fs::path& path = it->path();
    if (is_bundle(path)) {
      out.insert(path.extension() == ".tar" ? path.stem().string() : path.filename().string());
    }
  }
}

// " (did you mean 'compact'?)", when one name is near enough to be a slip.
std::string hint_for(std::string_view wanted, const std::set<std::string>& names) {
  const std::vector<std::string_view> known(names.begin(), names.end());
  const auto near = nearest(wanted, known, std::max<std::size_t>(2, wanted.size() / 3));
  return near.empty() ? "" : fmt::format("; did you mean '{}'?", known[near.front()]);
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
  std::set<std::string> names;
  std::vector<fs::path> folders(first.begin(), first.end());
  for (fs::path& folder : model_folders()) folders.push_back(std::move(folder));
  if (!name) folders.clear();
  for (const fs::path& folder : folders) {
    for (const char* ending : {"", ".tar"}) {
      const fs::path candidate = folder / (path.string() + ending);
      if (is_bundle(candidate)) return candidate;
    }
    add_names(folder, names);
    places += (places.empty() ? "" : ", ") + folder.string();
  }
  if (!name) return not_found(fmt::format("{}: does not exist (expected a bundle)", name_or_path));
  return not_found(fmt::format(
      "{}: not a file or folder, and not a shipped bundle (expected a path{}{}{}; looked in {})",
      name_or_path, names.empty() ? "" : " or one of ", fmt::join(names, ", "),
      hint_for(name_or_path, names), places));
}

}  // namespace mien::engine
