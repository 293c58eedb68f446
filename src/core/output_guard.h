#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "mien/core/status.h"

namespace mien {

/// Refuses a run that would write over a file that it reads, or write two results into one file.
/// Files are the same when their device and inode are (links, other spellings), or their absolute
/// names. Pipes and devices are left alone: several results may go to /dev/null.
class OutputGuard {
 public:
  /// `role` names the file in messages: "input", "--boxes". Of a folder: the files in it, not
  /// deeper. What does not exist is not read.
  void reads(const std::string& role, const std::filesystem::path& path);
  /// The same of a folder and all below it, without listing it: what exists there is read.
  void reads_below(const std::string& role, const std::filesystem::path& folder);
  /// Tells the next output. Errors: kInvalidArgument when it is a file that is read, or an output
  /// told before.
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
