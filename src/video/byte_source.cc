#include "video/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "mien/core/check.h"

namespace mien::video {
namespace {

class OwnedFd {
 public:
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  OwnedFd& operator=(OwnedFd&&) = delete;
  ~OwnedFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

class MemoryBytes : public ByteSource {
 public:
  MemoryBytes(std::span<const std::byte> bytes, const std::atomic<bool>* cancel)
      : ByteSource(cancel), bytes_(bytes) {}
  std::optional<std::int64_t> size() const override {
    return static_cast<std::int64_t>(bytes_.size());
  }

 protected:
  std::ptrdiff_t read_some(std::span<std::uint8_t> out) override {
    const auto at = static_cast<std::size_t>(position_);
    if (at >= bytes_.size()) return 0;
    const std::size_t n = std::min(out.size(), bytes_.size() - at);
    std::memcpy(out.data(), bytes_.data() + at, n);
    return static_cast<std::ptrdiff_t>(n);
  }

 private:
  std::span<const std::byte> bytes_;
};

/// A regular file, read from offset `base` on.
class FileBytes : public ByteSource {
 public:
  FileBytes(int fd, std::int64_t base, std::int64_t size, const std::atomic<bool>* cancel)
      : ByteSource(cancel), fd_(fd), base_(base), size_(size) {}
  std::optional<std::int64_t> size() const override { return size_; }

 protected:
  std::ptrdiff_t read_some(std::span<std::uint8_t> out) override {
    if (position_ > std::numeric_limits<std::int64_t>::max() - base_) return 0;
    const ssize_t n = ::pread(fd_, out.data(), out.size(), base_ + position_);
    return n < 0 ? -errno : n;
  }

 private:
  int fd_;
  std::int64_t base_;
  std::int64_t size_;
};

/// A pipe, socket or terminal, after the bytes already read from it.
class StreamBytes : public ByteSource {
 public:
  StreamBytes(int fd, std::vector<std::byte> prefix, const std::atomic<bool>* cancel)
      : ByteSource(cancel), fd_(fd), prefix_(std::move(prefix)) {}

 protected:
  std::ptrdiff_t read_some(std::span<std::uint8_t> out) override {
    if (used_ < prefix_.size()) {
      const std::size_t n = std::min(out.size(), prefix_.size() - used_);
      std::memcpy(out.data(), prefix_.data() + used_, n);
      used_ += n;
      return static_cast<std::ptrdiff_t>(n);
    }
    if (fd_ < 0) return -EBADF;  // poll would wait for ever
    for (;;) {
      constexpr int kWaitMs = 50;
      pollfd waiting{fd_, POLLIN, 0};
      const int ready = ::poll(&waiting, 1, kWaitMs);
      if (cancelled()) return kCancelled;
      if (ready < 0 && errno != EINTR) return -errno;
      if (ready <= 0) continue;
      const ssize_t n = ::read(fd_, out.data(), out.size());
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      return n < 0 ? -errno : n;
    }
  }

 private:
  int fd_;
  std::vector<std::byte> prefix_;
  std::size_t used_ = 0;
};

/// Closes the descriptor that the wrapped source reads from.
template <class Source>
class Owning : private OwnedFd, public Source {
 public:
  template <class... Args>
  explicit Owning(OwnedFd fd, Args&&... args)
      : OwnedFd(std::move(fd)), Source(OwnedFd::get(), std::forward<Args>(args)...) {}
};

int read_callback(void* opaque, std::uint8_t* buffer, int size) {
  return static_cast<ByteSource*>(opaque)->read({buffer, static_cast<std::size_t>(size)});
}

std::int64_t seek_callback(void* opaque, std::int64_t offset, int whence) {
  auto& source = *static_cast<ByteSource*>(opaque);
  const std::int64_t size = source.size().value_or(0);
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return size;
  std::int64_t base = 0;
  if (whence == SEEK_CUR) base = source.position();
  if (whence == SEEK_END) base = size;
  std::int64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) return AVERROR(EINVAL);
  source.seek(target);
  return target;
}

}  // namespace

int ByteSource::read(std::span<std::uint8_t> out) {
  if (cancelled()) return AVERROR_EXIT;
  std::ptrdiff_t n = 0;
  do {
    n = read_some(out);
  } while (n == -EINTR);
  if (n == kCancelled) return AVERROR_EXIT;
  if (n == 0) return AVERROR_EOF;
  if (n < 0) {
    error_ = static_cast<int>(-n);
    return static_cast<int>(n);  // FFmpeg's codes for system errors are negative errno values
  }
  position_ += n;
  return static_cast<int>(n);
}

Result<std::unique_ptr<ByteSource>> open_file_bytes(const std::filesystem::path& path,
                                                    const std::atomic<bool>* cancel) {
  const auto problem = [&](int error) -> Status {
    const std::string reason = std::strerror(error);
    if (error == ENOENT || error == ENOTDIR) {
      return not_found(path.string() + ": cannot be opened (" + reason + ")");
    }
    return io_error(path.string() + ": cannot be opened (" + reason + ")");
  };
  // Opening must not block on a pipe without a writer; reads wait with poll.
  OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) return problem(errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return problem(errno);
  if (S_ISDIR(info.st_mode)) {
    return invalid_argument(path.string() + ": is a folder (expected a video file)");
  }
  if (S_ISREG(info.st_mode)) {
    return std::make_unique<Owning<FileBytes>>(std::move(fd), 0, std::int64_t{info.st_size},
                                               cancel);
  }
  if (S_ISFIFO(info.st_mode)) {
    return std::make_unique<Owning<StreamBytes>>(std::move(fd), std::vector<std::byte>{}, cancel);
  }
  return invalid_argument(path.string() + ": is a device (expected a video file)");
}

std::unique_ptr<ByteSource> make_stream_bytes(int fd, std::vector<std::byte> prefix,
                                              const std::atomic<bool>* cancel) {
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
    const auto base = ::lseek(fd, 0, SEEK_CUR) - static_cast<std::int64_t>(prefix.size());
    if (base >= 0) return std::make_unique<FileBytes>(fd, base, info.st_size - base, cancel);
  }
  return std::make_unique<StreamBytes>(fd, std::move(prefix), cancel);
}

std::unique_ptr<ByteSource> make_memory_bytes(std::span<const std::byte> bytes,
                                              const std::atomic<bool>* cancel) {
  return std::make_unique<MemoryBytes>(bytes, cancel);
}

AvioPtr make_avio(ByteSource& source) {
  constexpr int kBufferBytes = 1 << 16;
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  MIEN_CHECK(buffer != nullptr);
  AvioPtr context(avio_alloc_context(buffer, kBufferBytes, 0, &source, read_callback, nullptr,
                                     source.seekable() ? seek_callback : nullptr));
  MIEN_CHECK(context != nullptr);
  context->seekable = source.seekable() ? AVIO_SEEKABLE_NORMAL : 0;
  return context;
}

}  // namespace mien::video
