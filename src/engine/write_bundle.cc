#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>
#include <system_error>

#include "core/file.h"
#include "core/sha256.h"
#include "engine/bundle_files.h"
#include "engine/bundle_writer.h"
#include "mien/core/json.h"
#include "mien/engine/bundle.h"

namespace mien::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostNamed = 5;

// What a bundle may have, and what the one in `folder` says it has.
std::set<std::string> files_of_bundle(const fs::path& folder) {
  std::set<std::string> out = {kInfoFile, kWeightsFile, kTokenizerFile, kCardFile};
  const auto text = read_text_file(folder / kInfoFile, kMaxInfoBytes);
  if (!text.ok()) return out;
  const auto json = Json::parse(*text);
  const Json* files = json.ok() && json->is_object() ? json->find("files") : nullptr;
  if (files == nullptr || !files->is_object()) return out;
  for (const auto& [name, hash] : files->as_object()) {
    if (name.find('/') == std::string::npos) out.insert(name);
  }
  return out;
}

Status write_failed(const fs::path& path, int error) {
  return io_error(fmt::format("{}: cannot be written ({})", path.string(), std::strerror(error)));
}

// A folder beside `target` in which the new bundle is made. It takes the mode and the owner of the
// folder that it replaces; a new one those that the umask gives.
Result<fs::path> make_fresh(const fs::path& target, const fs::path& temporary) {
  const fs::path fresh = temporary / "bundle";
  if (::mkdir(fresh.c_str(), 0777) != 0) return write_failed(target, errno);
  struct stat old {};
  if (::stat(target.c_str(), &old) != 0) return fresh;
  // To keep the owner is the right of root alone; others get a bundle of their own.
  if (::chown(fresh.c_str(), old.st_uid, old.st_gid) != 0 && errno != EPERM) {
    return write_failed(target, errno);
  }
  if (::chmod(fresh.c_str(), old.st_mode & 07777) != 0) return write_failed(target, errno);
  return fresh;
}

// Puts `fresh` in the place of `target`, in one step where the file system can. What was there is
// at `fresh` or `old` afterwards.
Status move_into_place(const fs::path& fresh, const fs::path& target, const fs::path& old) {
  std::error_code error;
  if (!fs::exists(target, error)) {
    return ::rename(fresh.c_str(), target.c_str()) == 0 ? Status() : write_failed(target, errno);
  }
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return {};
  }
  if (::rename(target.c_str(), old.c_str()) != 0) return write_failed(target, errno);
  if (::rename(fresh.c_str(), target.c_str()) == 0) return {};
  const int problem = errno;
  if (::rename(old.c_str(), target.c_str()) != 0) {
    return io_error(fmt::format("{}: cannot be written ({}); the old bundle is {}", target.string(),
                                std::strerror(problem), old.string()));
  }
  return write_failed(target, problem);
}

// Only what is known to be of a bundle: a file that someone else puts there meanwhile stays.
void remove_bundle(const fs::path& folder) {
  std::error_code ignored;
  for (const std::string& name : files_of_bundle(folder)) {
    if (name != kInfoFile) fs::remove(folder / name, ignored);
  }
  fs::remove(folder / kInfoFile, ignored);
  fs::remove(folder, ignored);
}

Status write_files(const fs::path& folder, const WrittenBundle& content) {
  MIEN_RETURN_IF_ERROR(checkpoint::write_safetensors(folder / kWeightsFile, content.tensors));
  std::vector<std::string> names = {kWeightsFile, kCardFile};
  MIEN_RETURN_IF_ERROR(write_file_atomically(folder / kCardFile, content.card));
  if (!content.tokenizer.empty()) {
    MIEN_RETURN_IF_ERROR(write_file_atomically(folder / kTokenizerFile, content.tokenizer));
    names.emplace_back(kTokenizerFile);
  }
  std::map<std::string, std::string> hashes;
  for (const std::string& name : names) {
    MIEN_ASSIGN_OR_RETURN(const auto map, MappedFile::open(folder / name));
    hashes[name] = sha256_hex(map->bytes());
  }
  return write_file_atomically(folder / kInfoFile, content.info(std::move(hashes)).dump(2) + "\n");
}

}  // namespace

Status check_bundle_target(const fs::path& path, bool overwrite) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (!fs::exists(status)) {
    if (!fs::is_symlink(fs::symlink_status(path, error))) return {};
    return invalid_argument(path.string() + ": is a dangling link (expected a new name)");
  }
  if (!fs::is_directory(status)) {
    return invalid_argument(path.string() + ": is a file (expected a folder to make)");
  }
  if (!overwrite) {
    return invalid_argument(path.string() +
                            ": exists already (expected a new name, or permission to replace it)");
  }
  const std::set<std::string> known = files_of_bundle(path);
  std::vector<std::string> others;
  bool is_bundle = false;
  bool empty = true;
  fs::directory_iterator it(path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    const std::string name = it->path().filename().string();
    std::error_code unknown;
    empty = false;
    is_bundle = is_bundle || name == kInfoFile;
    if (!known.contains(name) || !it->is_regular_file(unknown)) others.push_back(name);
  }
  if (error) {
    return io_error(fmt::format("{}: cannot be listed ({})", path.string(), error.message()));
  }
  if (!empty && !is_bundle) {
    return invalid_argument(fmt::format(
        "{}: not a bundle, so it is not replaced (expected a bundle or an empty folder)",
        path.string()));
  }
  if (others.empty()) return {};
  std::sort(others.begin(), others.end());
  const std::size_t told = std::min(others.size(), kMostNamed);
  return invalid_argument(fmt::format(
      "{}: not replaced, as it holds files that are not part of a bundle: {}{} (expected a bundle "
      "and nothing else)",
      path.string(),
      fmt::join(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(told), ", "),
      told < others.size() ? ", ..." : ""));
}

Status write_bundle(const fs::path& path, BundleContent content, bool overwrite) {
  if (!content.info.reference) {
    // Those of the bundle that this one was made from: its faces are embedded otherwise now.
    std::erase_if(content.tensors, [](const auto& tensor) {
      return tensor.first == Reference::kFaces || tensor.first == Reference::kBasis;
    });
  }
  BundleInfo info = std::move(content.info);
  return write_bundle_files(path,
                            {.tensors = std::move(content.tensors),
                             .tokenizer = std::move(content.tokenizer),
                             .card = std::move(content.card),
                             .info =
                                 [&info](std::map<std::string, std::string> hashes) {
                                   info.files = std::move(hashes);
                                   return info.to_json();
                                 }},
                            overwrite);
}

Status write_bundle_files(const fs::path& path, const WrittenBundle& content, bool overwrite) {
  MIEN_RETURN_IF_ERROR(check_bundle_target(path, overwrite));
  // Behind links: what is replaced is the folder, never a link to it.
  const fs::path target = absolute_name(path.has_filename() ? path : path.parent_path());
  std::string pattern = target.string() + ".part-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) return write_failed(path, errno);
  const fs::path temporary = pattern;
  const fs::path old = temporary / "old";
  std::error_code ignored;
  const auto fresh = make_fresh(target, temporary);
  Status status = fresh.ok() ? write_files(*fresh, content) : fresh.status();
  // Looked at again: the work before took its time.
  if (status.ok()) status = check_bundle_target(path, overwrite);
  if (status.ok()) status = move_into_place(*fresh, target, old);
  if (status.ok()) {
    remove_bundle(*fresh);
    remove_bundle(old);
  } else if (fresh.ok()) {
    fs::remove_all(*fresh, ignored);
  }
  fs::remove(temporary, ignored);  // stays where an old bundle could not be moved back
  return status;
}

}  // namespace mien::engine
