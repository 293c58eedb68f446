#pragma once

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "mien/core/status.h"

namespace mien {

/// "path: what (reason)" as kNotFound or kIo.
inline Status errno_status(const std::filesystem::path& path, const char* what, int error) {
  std::string message = path.string() + ": " + what + " (" + std::strerror(error) + ")";
  return error == ENOENT || error == ENOTDIR ? not_found(std::move(message))
                                             : io_error(std::move(message));
}

}  // namespace mien
