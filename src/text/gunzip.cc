#include "text/gunzip.h"

#include <zlib.h>

#include <limits>

namespace mien::text {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, 16 + MAX_WBITS) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }
  bool ready() const { return ready_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_ = {};
  bool ready_ = false;
};

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B};
}

Result<std::string> gunzip(std::span<const std::byte> bytes, std::uint64_t max_bytes,
                           std::string_view subject) {
  const std::string where(subject);
  if (bytes.size() > std::numeric_limits<uInt>::max()) {
    return resource_limit(where + ": packed file too large");
  }
  Inflater inflater;
  if (!inflater.ready()) return internal_error(where + ": zlib did not start");
  z_stream& stream = inflater.stream();
  std::string in(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  std::string out;
  int code = Z_OK;
  while (code == Z_OK) {
    const std::size_t before = out.size();
    out.resize(before + kChunk);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(kChunk);
    code = inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > max_bytes) {
      return resource_limit(where + ": unpacked data is too large (expected at most " +
                            std::to_string(max_bytes) + " bytes)");
    }
  }
  if (code == Z_BUF_ERROR) return corrupt(where + ": gzip data is truncated");
  if (code != Z_STREAM_END) return corrupt(where + ": gzip data is damaged");
  if (stream.avail_in != 0) return corrupt(where + ": bytes after the end of the gzip data");
  return out;
}

}  // namespace mien::text
