#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "mien/core/status.h"

namespace mien::jobs {

/// The lock of a run, taken by flock on the database file itself. SQLite locks with fcntl, which is
/// independent of it as long as this descriptor is closed after the connection: closing it earlier
/// would drop SQLite's locks.
class RunLock {
 public:
  RunLock() = default;
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;
  ~RunLock() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// Errors: kInvalidArgument if `path` is not a regular file, or another run has the lock; kIo.
  Status take(const std::string& path) {
    struct stat before {};
    if (::stat(path.c_str(), &before) == 0 && S_ISFIFO(before.st_mode)) {
      return invalid_argument(path + ": is a pipe (expected a file for the results)");
    }
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      return io_error(fmt::format("{}: cannot be opened ({})", path, std::strerror(errno)));
    }
    struct stat info {};
    if (::fstat(fd_, &info) != 0 || !S_ISREG(info.st_mode)) {
      return invalid_argument(path + ": is a device (expected a file for the results)");
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return {};
    if (errno != EWOULDBLOCK) {
      return io_error(fmt::format("{}: cannot be locked ({})", path, std::strerror(errno)));
    }
    return invalid_argument(
        fmt::format("{}: another run is writing to it (expected one run at a time; wait for it, or "
                    "name another "
                    "file)",
                    path));
  }

 private:
  int fd_ = -1;
};

}  // namespace mien::jobs
