#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "mien/core/status.h"
#include "video/ffmpeg.h"

namespace mien::video {

/// Encoded bytes for the demuxer. All reading is ours: FFmpeg never opens a file by name, so
/// nothing in a hostile file can make it open another one. Threads: one at a time.
class ByteSource {
 public:
  explicit ByteSource(const std::atomic<bool>* cancel) : cancel_(cancel) {}
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  virtual ~ByteSource() = default;

  /// Reads at most out.size() bytes. Returns the count, AVERROR_EOF at the end, or another FFmpeg
  /// error code.
  int read(std::span<std::uint8_t> out);
  /// nullopt when the source cannot be rewound.
  virtual std::optional<std::int64_t> size() const { return std::nullopt; }
  /// Precondition: size() has a value and 0 <= position.
  virtual void seek(std::int64_t position) { position_ = position; }
  std::int64_t position() const { return position_; }
  bool seekable() const { return size().has_value(); }

  bool cancelled() const { return cancel_ != nullptr && cancel_->load(); }
  /// The errno of the first failed read; 0: none failed.
  int error() const { return error_; }

 protected:
  /// As `read`; negative errno on failure, 0 at the end, kCancelled when cancelled.
  virtual std::ptrdiff_t read_some(std::span<std::uint8_t> out) = 0;
  static constexpr std::ptrdiff_t kCancelled = std::numeric_limits<std::ptrdiff_t>::min();
  std::int64_t position_ = 0;

 private:
  const std::atomic<bool>* cancel_;
  int error_ = 0;
};

/// Errors: kNotFound, kIo, kInvalidArgument for a folder. A named pipe is read as a stream.
Result<std::unique_ptr<ByteSource>> open_file_bytes(const std::filesystem::path& path,
                                                    const std::atomic<bool>* cancel);
/// Borrows `fd`; seekable when it is a regular file.
std::unique_ptr<ByteSource> make_stream_bytes(int fd, std::vector<std::byte> prefix,
                                              const std::atomic<bool>* cancel);
/// Borrows `bytes`.
std::unique_ptr<ByteSource> make_memory_bytes(std::span<const std::byte> bytes,
                                              const std::atomic<bool>* cancel);

struct AvioDeleter {
  void operator()(AVIOContext* context) const {
    av_freep(&context->buffer);
    avio_context_free(&context);
  }
};
using AvioPtr = std::unique_ptr<AVIOContext, AvioDeleter>;
/// Borrows `source`.
AvioPtr make_avio(ByteSource& source);

}  // namespace mien::video
