#include "core/output_guard.h"

#include <sys/stat.h>

#include <optional>

#include "core/file.h"

namespace mien {

namespace fs = std::filesystem;

struct OutputGuard::Identity {
  bool matters = true;  ///< false: a pipe or a device
  bool folder = false;
  std::optional<Inode> inode;  ///< none: does not exist
  std::string name;
};

// Resolving a name costs many system calls. On all but odd file systems the inode of an existing
// file identifies it, so runs over very many files skip the resolving.
static constexpr std::size_t kMostNames = 1000;

OutputGuard::Identity OutputGuard::identify(const fs::path& path, bool named) {
  Identity out;
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    out.folder = S_ISDIR(info.st_mode);
    out.matters = out.folder || S_ISREG(info.st_mode);
    out.inode = Inode(info.st_dev, info.st_ino);
  }
  if (out.matters && named) out.name = absolute_name(path).string();
  return out;
}

void OutputGuard::reads(const std::string& role, const fs::path& path) {
  const bool named = names_.size() < kMostNames;
  const Identity is = identify(path, named);
  if (!is.inode || !is.matters) return;
  if (is.folder) {
    std::error_code error;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      std::error_code ignored;
      if (!it->is_directory(ignored)) reads(role, it->path());
    }
    return;
  }
  inodes_.try_emplace(*is.inode, Use{role, path.string()});
  if (named) names_.try_emplace(is.name, Use{role, path.string()});
}

void OutputGuard::reads_below(const std::string& role, const fs::path& folder) {
  folders_.try_emplace((absolute_name(folder) / "").string(), Use{role, folder.string()});
}

Status OutputGuard::writes(const std::string& role, const fs::path& path) {
  const Identity is = identify(path, true);
  if (!is.matters) return {};
  const Use* used = nullptr;
  if (const auto found = names_.find(is.name); found != names_.end()) used = &found->second;
  if (is.inode && used == nullptr) {
    if (const auto found = inodes_.find(*is.inode); found != inodes_.end()) used = &found->second;
  }
  for (const auto& [folder, use] : folders_) {
    if (is.inode && used == nullptr && is.name.starts_with(folder)) used = &use;
  }
  if (used != nullptr) {
    const std::string what =
        used->written ? ": is also the output of " + used->role + " ("
                      : ": would overwrite an input (" + used->role + " " + used->name + "; ";
    return invalid_argument(role + " " + path.string() + what + "expected another file)");
  }
  const Use use{role, path.string(), true};
  if (is.inode && !is.folder) inodes_.try_emplace(*is.inode, use);
  names_.try_emplace(is.name, use);
  return {};
}

}  // namespace mien
