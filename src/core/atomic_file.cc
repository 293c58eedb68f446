#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <utility>

#include "core/errno_status.h"
#include "core/file.h"
#include "mien/core/check.h"

namespace mien {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNotWritable = "cannot be written";

// File descriptor of this process that `path` names, such as 1 for /dev/stdout; -1: none.
int own_descriptor(const fs::path& path) {
  const std::string name = path.filename().string();
  const bool number =
      !name.empty() && name.size() < 8 && std::all_of(name.begin(), name.end(), [](char c) {
        return std::isdigit(static_cast<unsigned char>(c)) != 0;
      });
  if (!number) return -1;
  std::error_code error;
  const std::string folder = fs::canonical(path.parent_path(), error).string();
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/";
  return !error && folder.starts_with(own) && folder.ends_with("/fd") ? std::stoi(name) : -1;
}

// The target of the symbolic links at the end of `path`, whether it exists or not. Links of a
// descriptor are not followed: opening their target would start at its beginning, or fail for a
// socket.
Result<fs::path> follow_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as the system
  const fs::path named = path;
  for (int links = 0; links <= kMostLinks; ++links) {
    std::error_code error;
    if (own_descriptor(path) >= 0 || !fs::is_symlink(fs::symlink_status(path, error))) return path;
    const fs::path link = fs::read_symlink(path, error);
    if (error) return errno_status(named, kNotWritable, error.value());
    path = path.parent_path() / link;  // `link` alone when it is absolute
  }
  return errno_status(named, kNotWritable, ELOOP);
}

struct Target {
  fs::path path;
  int descriptor = -1;  ///< of this process
  bool exists = false;
  struct stat info {};

  bool stream() const { return descriptor >= 0 || (exists && !S_ISREG(info.st_mode)); }
};

Result<Target> find_target(const fs::path& path) {
  if (path.empty()) return invalid_argument("output: has no name (expected a file)");
  if (!path.has_filename()) {
    return invalid_argument(path.string() + ": names a folder (expected a file)");
  }
  Target out;
  MIEN_ASSIGN_OR_RETURN(out.path, follow_links(path));
  out.descriptor = own_descriptor(out.path);
  if (out.descriptor >= 0) {
    const int flags = ::fcntl(out.descriptor, F_GETFL);
    if (flags < 0) return errno_status(path, kNotWritable, errno);
    if ((flags & O_ACCMODE) == O_RDONLY) return errno_status(path, kNotWritable, EBADF);
    return out;
  }
  out.exists = ::stat(out.path.c_str(), &out.info) == 0;
  if (!out.exists && errno != ENOENT) return errno_status(path, kNotWritable, errno);
  if (!out.exists) return out;
  if (S_ISDIR(out.info.st_mode)) {
    return invalid_argument(path.string() + ": is a folder (expected a file)");
  }
  if (S_ISBLK(out.info.st_mode)) {
    return invalid_argument(path.string() + ": is a disk (expected a file, a pipe or a terminal)");
  }
  // A rename needs no right to write the file itself, but whoever made it read-only wants to keep
  // it.
  if (::access(out.path.c_str(), W_OK) != 0) return errno_status(path, kNotWritable, errno);
  return out;
}

Result<int> open_stream(const Target& target, const fs::path& named) {
  const int fd = target.descriptor >= 0
                     ? ::fcntl(target.descriptor, F_DUPFD_CLOEXEC, 0)
                     : ::open(target.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) return fd;
  if (errno == EINTR) return cancelled(named.string() + ": stopped before anyone read it");
  return errno_status(named, kNotWritable, errno);
}

// A new file "name.part-ABCDEF" in `folder`. The kernel applies the umask: reading it would mean
// changing it for all threads.
int make_temporary(const fs::path& folder, std::string name, mode_t mode, fs::path& out) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  constexpr std::size_t kRandom = 6;
  constexpr std::string_view kMark = ".part-";
  name.resize(std::min(name.size(), std::size_t{NAME_MAX} - kMark.size() - kRandom));
  for (int tries = 0; tries < 100; ++tries) {
    std::array<unsigned char, kRandom> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) < 0) return -1;
    std::string ending(kMark);
    for (const unsigned char byte : bytes) ending += kLetters[byte % kLetters.size()];
    out = folder / (name + ending);
    const int fd = ::open(out.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

bool cannot_be_replaced(int error) {
  return error == EACCES || error == EPERM || error == EROFS || error == EBUSY || error == EXDEV;
}

int write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return 0;
}

int copy_all(int from, int to) {
  std::array<std::byte, 1 << 16> buffer;
  if (::lseek(from, 0, SEEK_SET) < 0) return errno;
  for (;;) {
    const ssize_t n = ::read(from, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : 0;
    const int error = write_all(to, std::span(buffer).first(static_cast<std::size_t>(n)));
    if (error != 0) return error;
  }
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const fs::path& path, Access access) {
  MIEN_ASSIGN_OR_RETURN(const Target target, find_target(path));
  AtomicFile file;
  file.path_ = path;
  file.target_ = target.path;
  if (target.stream()) {
    MIEN_ASSIGN_OR_RETURN(const int stream, open_stream(target, path));
    file.way_ = access == Access::kSequential ? Way::kStream : Way::kCopy;
    (access == Access::kSequential ? file.fd_ : file.stream_) = stream;
    if (access == Access::kSequential) return file;
  }
  MIEN_RETURN_IF_ERROR(file.open_temporary(target.exists && !target.stream()));
  return file;
}

// `exists`: there is a regular file, which may be writable even if its folder is not.
Status AtomicFile::open_temporary(bool exists) {
  const std::string name = stream_ >= 0 ? "mien" : target_.filename().string();
  constexpr mode_t kPrivate = 0600;
  if (stream_ < 0) {
    fd_ = make_temporary(target_.parent_path(), name, exists ? kPrivate : 0666, temporary_);
    const int error = errno;
    if (fd_ >= 0) return exists ? keep_owner_and_mode() : Status();
    if (!exists || !cannot_be_replaced(error)) return errno_status(path_, kNotWritable, error);
  }
  way_ = Way::kCopy;
  for (const char* folder : {"/var/tmp", "/tmp"}) {
    fd_ = make_temporary(folder, name, kPrivate, temporary_);
    if (fd_ >= 0) return {};
  }
  const int error = errno;
  temporary_.clear();
  return errno_status(path_, kNotWritable, error);
}

// Where a rename is impossible, the content is copied into the old file, which keeps its mode,
// owner and access list.
Status AtomicFile::keep_owner_and_mode() {
  struct stat old {};
  struct stat now {};
  if (::stat(target_.c_str(), &old) != 0 || ::fstat(fd_, &now) != 0) {
    return errno_status(path_, kNotWritable, errno);
  }
  const bool same_owner = old.st_uid == now.st_uid && old.st_gid == now.st_gid;
  if ((!same_owner && ::fchown(fd_, old.st_uid, old.st_gid) != 0) ||
      ::getxattr(target_.c_str(), "system.posix_acl_access", nullptr, 0) > 0) {
    way_ = Way::kCopy;
    return {};
  }
  if (::fchmod(fd_, old.st_mode & 0777) != 0) return errno_status(path_, kNotWritable, errno);
  return {};
}

Status AtomicFile::check(const fs::path& path) {
  MIEN_ASSIGN_OR_RETURN(const Target target, find_target(path));
  if (!target.stream()) return create(path).status();
  if (target.exists && S_ISSOCK(target.info.st_mode)) {
    return errno_status(path, kNotWritable, ENXIO);
  }
  return {};
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept { *this = std::move(other); }

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  if (this != &other) {
    discard();
    path_ = std::move(other.path_);
    target_ = std::move(other.target_);
    temporary_ = std::exchange(other.temporary_, {});
    way_ = other.way_;
    fd_ = std::exchange(other.fd_, -1);
    stream_ = std::exchange(other.stream_, -1);
    problem_ = std::exchange(other.problem_, {});
  }
  return *this;
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  if (stream_ >= 0) ::close(std::exchange(stream_, -1));
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
  temporary_.clear();
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  MIEN_CHECK(fd_ >= 0);
  if (!problem_.ok()) return problem_;
  if (const int error = write_all(fd_, bytes); error != 0) {
    problem_ = errno_status(path_, kNotWritable, error);
  }
  return problem_;
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text.data(), text.size())));
}

Status AtomicFile::commit() {
  MIEN_CHECK(fd_ >= 0);
  if (!problem_.ok()) return problem_;
  if (way_ == Way::kStream) {
    if (::close(std::exchange(fd_, -1)) == 0) return {};
    return errno_status(path_, kNotWritable, errno);
  }
  if (::fsync(fd_) != 0 && errno != EINVAL) return errno_status(path_, kNotWritable, errno);
  if (way_ == Way::kCopy) return copy_into_place();
  struct stat info {};
  if (::lstat(target_.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    return io_error(path_.string() +
                    ": is no longer a regular file (expected the one that was there before)");
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    if (!cannot_be_replaced(errno)) return errno_status(path_, kNotWritable, errno);
    return copy_into_place();
  }
  temporary_.clear();
  if (::close(std::exchange(fd_, -1)) != 0) return errno_status(path_, kNotWritable, errno);
  return {};
}

Status AtomicFile::copy_into_place() {
  if (stream_ < 0) {
    constexpr int kFlags = O_WRONLY | O_TRUNC | O_CLOEXEC;
    stream_ = ::open(target_.c_str(), kFlags);  // O_CREAT fails for others' files in /tmp
    if (stream_ < 0 && errno == ENOENT) stream_ = ::open(target_.c_str(), kFlags | O_CREAT, 0666);
  }
  if (stream_ < 0) return errno_status(path_, kNotWritable, errno);
  int error = copy_all(fd_, stream_);
  if (error == 0 && ::fsync(stream_) != 0 && errno != EINVAL && errno != ENOTSUP) error = errno;
  if (::close(std::exchange(stream_, -1)) != 0 && error == 0) error = errno;
  if (error != 0) return errno_status(path_, kNotWritable, error);
  discard();
  return {};
}

Result<fs::path> AtomicFile::keep_part() {
  struct stat info {};
  const bool kept = way_ != Way::kStream && stream_ < 0 && fd_ >= 0 && ::fstat(fd_, &info) == 0 &&
                    info.st_size > 0;
  if (!kept) {
    discard();
    return fs::path();
  }
  std::string name = target_.filename().string();
  name.resize(std::min(name.size(), std::size_t{NAME_MAX} - 10));
  constexpr int kMostParts = 10'000;
  for (int number = 1; number <= kMostParts; ++number) {
    const fs::path part = temporary_.parent_path() /
                          (name + ".part" + (number > 1 ? std::to_string(number) : std::string()));
    // A file system without the first knows hard links.
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, part.c_str(), RENAME_NOREPLACE) != 0) {
      if (errno == EEXIST) continue;
      if (errno != EINVAL && errno != ENOSYS) break;
      if (::link(temporary_.c_str(), part.c_str()) != 0) {
        if (errno == EEXIST) continue;
        break;
      }
      ::unlink(temporary_.c_str());
    }
    temporary_.clear();
    discard();
    return part;
  }
  const int error = errno;
  discard();
  return errno_status(path_, "the unfinished output cannot be kept", error);
}

Status write_file_atomically(const fs::path& path, std::string_view content) {
  MIEN_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::create(path));
  MIEN_RETURN_IF_ERROR(file.write(content));
  return file.commit();
}

fs::path absolute_name(const fs::path& path) {
  const auto followed = follow_links(path);
  const fs::path end = followed.ok() ? *followed : path;
  std::error_code error;
  fs::path out = fs::weakly_canonical(end, error);
  if (!error && !out.empty() && out.is_absolute()) return out;
  out = fs::absolute(end, error).lexically_normal();
  return error || out.empty() ? path : out;
}

}  // namespace mien
