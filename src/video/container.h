#pragma once

#include <memory>
#include <string>

#include "mien/core/status.h"
#include "mien/video/source.h"
#include "video/byte_source.h"
#include "video/ffmpeg.h"

namespace mien::video {

/// An opened demuxer and its bytes, ready to deliver packets.
/// Owns both. Threads: one at a time.
class Container {
 public:
  /// `name` only starts the messages. Reads the stream headers. Errors: kUnsupported (not a
  /// container we open), kCorrupt, kIo, kCancelled.
  static Result<Container> open(std::unique_ptr<ByteSource> bytes, std::string name,
                                const OpenOptions& options);
  /// A camera; `options.cancel` must outlive this. Errors: kIo, kUnsupported.
  static Result<Container> open_device(const AVInputFormat* format, const std::string& device,
                                       const OpenOptions& options);

  AVFormatContext& context() { return *context_; }
  const AVFormatContext& context() const { return *context_; }
  const std::string& name() const { return name_; }
  /// nullptr for a camera.
  ByteSource* bytes() { return bytes_.get(); }
  bool seekable() const { return bytes_ != nullptr && bytes_->seekable(); }

  /// The stream to show (never a cover picture), or -1.
  int find_video() const;
  int find_audio(int related_to) const;
  /// Makes `read` deliver only packets of this stream.
  void select(int stream);

  enum class Read { kPacket, kEnd, kBroken, kAgain };
  /// The next packet. Errors: kIo, kCancelled. kBroken: damaged data was skipped; call again.
  Result<Read> read(AVPacket& packet);

  /// Closes the demuxer and returns the bytes, rewound. Precondition: seekable().
  std::unique_ptr<ByteSource> take_bytes();

 private:
  struct ContextDeleter {
    void operator()(AVFormatContext* context) const { avformat_close_input(&context); }
  };
  Container() = default;
  Status read_stream_headers(const OpenOptions& options);
  Status problem(int code, const char* what) const;

  // Destroyed in reverse: the demuxer, its buffer, the bytes.
  std::string name_;
  std::unique_ptr<ByteSource> bytes_;
  AvioPtr avio_;
  std::unique_ptr<AVFormatContext, ContextDeleter> context_;
  const std::atomic<bool>* cancel_ = nullptr;
  int broken_in_a_row_ = 0;
};

}  // namespace mien::video
