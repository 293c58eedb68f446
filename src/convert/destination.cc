#include "convert/destination.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "core/file.h"
#include "core/output_guard.h"

namespace mien::convert {
namespace {

namespace fs = std::filesystem;

bool is_inside(const fs::path& path, const fs::path& folder) {
  const fs::path a = absolute_name(path);
  const fs::path b = absolute_name(folder);
  return std::mismatch(b.begin(), b.end(), a.begin(), a.end()).first == b.end();
}

}  // namespace

Status check_destination(const fs::path& path, bool overwrite) {
  std::error_code error;
  const fs::path target = path.has_filename() ? path : path.parent_path();
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  if (!fs::is_directory(parent, error)) {
    return invalid_argument(
        fmt::format("{}: cannot be created: no such folder {}", path.string(), parent.string()));
  }
  if (fs::exists(target, error)) {
    if (!fs::is_directory(target, error)) {
      return invalid_argument(path.string() + ": is a file (expected a new folder)");
    }
    if (!overwrite) {
      return invalid_argument(path.string() +
                              ": already exists (expected a new name, or --overwrite)");
    }
  }
  MIEN_RETURN_IF_ERROR(engine::check_bundle_target(target, true));
  if (::access(parent.c_str(), W_OK | X_OK) != 0) {
    return io_error(fmt::format("{}: cannot be created: folder {} is not writable", path.string(),
                                parent.string()));
  }
  return {};
}

Status check_reads(const fs::path& source, const fs::path& destination, const Options& options) {
  OutputGuard guard;
  for (const fs::path& read : {source, options.text_from, options.tokenizer, options.projection}) {
    if (!read.empty()) guard.reads("input", read);
  }
  for (const char* name : {"bundle.json", "model.safetensors", "tokenizer.txt", "CARD.md"}) {
    MIEN_RETURN_IF_ERROR(guard.writes("bundle", destination / name));
  }
  return {};
}

Status check_outside(const Source& source, const fs::path& destination) {
  if (!is_inside(source.weights, destination)) return {};
  return invalid_argument(destination.string() + ": contains the source (expected another folder)");
}

}  // namespace mien::convert
