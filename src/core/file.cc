#include "core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "core/errno_status.h"
#include "mien/core/check.h"

namespace mien {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

Result<std::uint64_t> regular_size(int fd, const std::filesystem::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return errno_status(path, "cannot be examined", errno);
  if (S_ISDIR(info.st_mode)) {
    return invalid_argument(path.string() + ": is a folder (expected a file)");
  }
  return static_cast<std::uint64_t>(info.st_size);
}

template <class Container>
Status read_all(const std::filesystem::path& path, std::uint64_t max_bytes, Container& out) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return errno_status(path, "cannot be opened", errno);
  MIEN_ASSIGN_OR_RETURN(const std::uint64_t size, regular_size(fd.get(), path));
  const auto too_large = [&] {
    return resource_limit(path.string() + ": file is too large (expected at most " +
                          std::to_string(max_bytes) + " bytes)");
  };
  if (size > max_bytes) return too_large();
  // The size of a pipe or a growing file is unknown, so always read to the end.
  std::size_t filled = 0;
  out.resize(static_cast<std::size_t>(size) + 1);
  for (;;) {
    const ssize_t n = ::read(fd.get(), out.data() + filled, out.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status(path, "cannot be read", errno);
    if (n == 0) break;
    filled += static_cast<std::size_t>(n);
    if (filled > max_bytes) return too_large();
    if (filled == out.size()) out.resize(out.size() * 2);
  }
  out.resize(filled);
  return {};
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::filesystem::path& path,
                                         std::uint64_t max_bytes) {
  std::vector<std::byte> out;
  MIEN_RETURN_IF_ERROR(read_all(path, max_bytes, out));
  return out;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::string out;
  MIEN_RETURN_IF_ERROR(read_all(path, max_bytes, out));
  return out;
}

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file->fd_ < 0) return errno_status(path, "cannot be opened", errno);
  MIEN_ASSIGN_OR_RETURN(const std::uint64_t size, regular_size(file->fd_, path));
  if (size == 0) return std::shared_ptr<const MappedFile>(file);
  file->size_ = static_cast<std::size_t>(size);
  void* data = ::mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, file->fd_, 0);
  if (data == MAP_FAILED) return errno_status(path, "cannot be mapped", errno);
  file->data_ = static_cast<const std::byte*>(data);
  return std::shared_ptr<const MappedFile>(file);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
  if (fd_ >= 0) ::close(fd_);
}

Status MappedFile::read(std::span<const std::byte> part, std::span<std::byte> out) const {
  MIEN_CHECK(part.size() == out.size());
  auto offset = static_cast<off_t>(part.data() - data_);
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno_status(path_, "cannot be read", errno);
    if (n == 0) return io_error(path_.string() + ": was truncated while it was read");
    out = out.subspan(static_cast<std::size_t>(n));
    offset += n;
  }
  return {};
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (part.empty()) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto last = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
  if (last > first) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace mien
