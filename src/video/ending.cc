#include "video/ending.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace mien::video {
namespace {

/// Reads numbers anywhere in the file, and restores the demuxer's position.
class Reader {
 public:
  explicit Reader(ByteSource& bytes) : bytes_(bytes), position_(bytes.position()) {}
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  ~Reader() { bytes_.seek(position_); }

  std::int64_t size() const { return bytes_.size().value_or(0); }
  bool read(std::int64_t offset, std::span<std::uint8_t> out) {
    if (offset < 0 || offset > size()) return false;
    bytes_.seek(offset);
    while (!out.empty()) {
      const int n = bytes_.read(out);
      if (n <= 0) return false;
      out = out.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  std::optional<std::uint64_t> number(std::int64_t offset, std::size_t count, bool big_endian) {
    std::array<std::uint8_t, 8> raw{};
    if (!read(offset, std::span(raw).first(count))) return std::nullopt;
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < count; ++i) out = (out << 8) | raw[big_endian ? i : count - 1 - i];
    return out;
  }

 private:
  ByteSource& bytes_;
  std::int64_t position_;
};

bool exceeds(std::int64_t begin, std::uint64_t size, std::int64_t total) {
  return begin > total || size > static_cast<std::uint64_t>(total - begin);
}

// True if the index has a frame beyond the end. The index of an MP4 lists all its samples.
bool index_exceeds(AVStream& video, std::int64_t total) {
  for (int i = avformat_index_get_entries_count(&video); i-- > 0;) {
    const AVIndexEntry* entry = avformat_index_get_entry(&video, i);
    if (entry == nullptr || (entry->flags & AVINDEX_DISCARD_FRAME) != 0) continue;
    if (entry->pos >= 0 && entry->size > 0 &&
        exceeds(entry->pos, static_cast<std::uint64_t>(entry->size), total)) {
      return true;
    }
  }
  return false;
}

// Some devices append other data after the last box, so only boxes that hold pictures count.
bool mp4_boxes_exceed(Reader& file) {
  std::int64_t at = 0;
  constexpr int kMostBoxes = 1'000'000;
  for (int i = 0; i < kMostBoxes && at + 8 <= file.size(); ++i) {
    auto length = file.number(at, 4, true);
    const auto type = file.number(at + 4, 4, true);
    if (!length || !type) return false;
    if (*length == 1) length = file.number(at + 8, 8, true);
    if (!length || *length < 8) return false;  // 0: up to the end of the file
    constexpr std::uint64_t kMdat = 0x6d646174, kMoof = 0x6d6f6f66, kMoov = 0x6d6f6f76;
    if (exceeds(at, *length, file.size())) {
      return *type == kMdat || *type == kMoof || *type == kMoov;
    }
    at += static_cast<std::int64_t>(*length);
  }
  return false;
}

// An EBML number of 1 to 8 bytes with its length in the first; nullopt when it means "unknown".
struct EbmlSize {
  std::uint64_t value = 0;
  int bytes = 0;
  bool unknown = false;
};
std::optional<EbmlSize> ebml_size(Reader& file, std::int64_t at) {
  const auto first = file.number(at, 1, true);
  if (!first || *first == 0) return std::nullopt;
  EbmlSize out;
  out.bytes = __builtin_clz(static_cast<unsigned>(*first)) - 23;
  const auto all = file.number(at, static_cast<std::size_t>(out.bytes), true);
  if (!all) return std::nullopt;
  const std::uint64_t mask = (std::uint64_t{1} << (7 * out.bytes)) - 1;
  out.value = *all & mask;
  out.unknown = out.value == mask;
  return out;
}

bool matroska_exceeds(Reader& file) {
  const auto head = ebml_size(file, 4);
  if (!head || head->unknown || head->value > 4096) return false;
  const std::int64_t segment = 4 + head->bytes + static_cast<std::int64_t>(head->value);
  constexpr std::uint64_t kSegment = 0x18538067;
  if (file.number(segment, 4, true) != kSegment) return false;
  const auto size = ebml_size(file, segment + 4);
  return size && !size->unknown && exceeds(segment + 4 + size->bytes, size->value, file.size());
}

bool avi_exceeds(Reader& file) {
  std::int64_t at = 0;
  constexpr std::uint64_t kRiff = 0x52494646;
  while (at + 8 <= file.size() && file.number(at, 4, true) == kRiff) {
    const auto size = file.number(at + 4, 4, false);
    if (!size || *size == 0 || *size == 0xFFFFFFFF) return false;  // never finished
    if (exceeds(at + 8, *size, file.size())) return true;
    at += 8 + static_cast<std::int64_t>(*size + (*size & 1));
  }
  return false;
}

// Each tag is followed by its length.
bool flv_exceeds(Reader& file) {
  const auto last = file.number(file.size() - 4, 4, true);
  if (!last) return false;
  const auto type = file.number(file.size() - 4 - static_cast<std::int64_t>(*last), 1, true);
  return *last < 11 || !type || (*type != 8 && *type != 9 && *type != 18);
}

bool asf_exceeds(Reader& file) {
  constexpr std::array<std::uint8_t, 16> kProperties = {0xA1, 0xDC, 0xAB, 0x8C, 0x47, 0xA9,
                                                        0xCF, 0x11, 0x8E, 0xE4, 0x00, 0xC0,
                                                        0x0C, 0x20, 0x53, 0x65};
  std::vector<std::uint8_t> head(
      static_cast<std::size_t>(std::min<std::int64_t>(file.size(), 8192)));
  if (!file.read(0, head)) return false;
  const auto at = std::search(head.begin(), head.end(), kProperties.begin(), kProperties.end());
  if (at == head.end()) return false;
  const auto told = file.number((at - head.begin()) + 40, 8, false);
  return told && *told > static_cast<std::uint64_t>(file.size());
}

bool apng_exceeds(Reader& file) {
  constexpr std::uint64_t kEnd = 0x49454E44;  // "IEND"
  return file.number(file.size() - 8, 4, true) != kEnd;
}

}  // namespace

std::int64_t listed_frames(const AVFormatContext& context, AVStream& video) {
  if (!std::string_view(context.iformat->name).starts_with("mov")) return video.nb_frames;
  if (video.nb_frames <= 0) return 0;  // fragments: the index grows as they are read
  std::int64_t shown = 0;              // edit lists omit some
  for (int i = avformat_index_get_entries_count(&video); i-- > 0;) {
    const AVIndexEntry* entry = avformat_index_get_entry(&video, i);
    if (entry != nullptr && (entry->flags & AVINDEX_DISCARD_FRAME) == 0) ++shown;
  }
  return shown > 0 ? shown : video.nb_frames;
}

bool ends_early(Container& container, AVStream& video) {
  ByteSource* bytes = container.bytes();
  if (bytes == nullptr) return false;
  const std::string_view format = container.context().iformat->name;
  const bool mp4 = format.starts_with("mov");
  if (mp4 && video.nb_frames > 0) {
    return index_exceeds(video, bytes->size().value_or(bytes->position()));
  }
  if (!bytes->seekable()) return false;
  Reader file(*bytes);
  if (mp4) return mp4_boxes_exceed(file);
  if (format.starts_with("matroska")) return matroska_exceeds(file);
  if (format == "avi") return avi_exceeds(file);
  if (format == "flv") return flv_exceeds(file);
  if (format == "asf") return asf_exceeds(file);
  if (format == "apng") return apng_exceeds(file);
  return false;
}

}  // namespace mien::video
