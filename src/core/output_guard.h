#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "mien/core/status.h"

namespace mien {

/// Rejects a run that would overwrite a file it reads, or write two results into one file. Files
/// are the same if they share device and inode (links, other spellings) or absolute name. Pipes and
/// devices are ignored: several results may go to /dev/null.
class OutputGuard {
 public:
  /// Registers an input. `role` names it in messages: "input", "--boxes". For a folder: the files
  /// directly in it. A file that does not exist is ignored.
  void reads(const std::string& role, const std::filesystem::path& path);
  /// The same for a folder and everything below it, without listing it.
  void reads_below(const std::string& role, const std::filesystem::path& folder);
  /// Registers the next output. Errors: kInvalidArgument when it is an input, or an output
  /// registered before.
  Status writes(const std::string& role, const std::filesystem::path& path);

 private:
  using Inode = std::pair<unsigned long long, unsigned long long>;
  struct Use {
    std::string role;
    std::string name;
    bool written = false;
  };
  struct Identity;
  static Identity identify(const std::filesystem::path& path, bool named);
  std::map<Inode, Use> inodes_;
  std::map<std::string, Use> names_;
  std::map<std::string, Use> folders_;  ///< names end with '/'
};

}  // namespace mien
