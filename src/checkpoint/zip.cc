#include "checkpoint/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <optional>

#include "checkpoint/bytes.h"
#include "core/checked.h"
#include "core/utf8.h"

namespace mien::checkpoint {
namespace {

using Bytes = std::span<const std::byte>;

constexpr std::uint32_t kLocalMagic = 0x04034b50;
constexpr std::uint32_t kCentralMagic = 0x02014b50;
constexpr std::uint32_t kEndMagic = 0x06054b50;
constexpr std::uint32_t kEnd64Magic = 0x06064b50;
constexpr std::uint32_t kLocator64Magic = 0x07064b50;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kCentralBytes = 46;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kEnd64Bytes = 56;
constexpr std::size_t kLocatorBytes = 20;
constexpr std::uint32_t kFull = 0xFFFFFFFF;
constexpr std::uint16_t kFlagEncrypted = 1;
constexpr std::uint16_t kFlagDescriptor = 8;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct Directory {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  std::uint64_t entries = 0;
};

// The end record is the last one whose comment reaches exactly to the end of the file.
std::optional<std::size_t> find_end(Bytes bytes) {
  if (bytes.size() < kEndBytes) return std::nullopt;
  const std::size_t last = bytes.size() - kEndBytes;
  const std::size_t first = last > 0xFFFF ? last - 0xFFFF : 0;
  for (std::size_t at = last + 1; at-- > first;) {
    if (load_le<std::uint32_t>(bytes, at) == kEndMagic &&
        load_le<std::uint16_t>(bytes, at + 20) == last - at) {
      return at;
    }
  }
  return std::nullopt;
}

Result<Directory> find_directory(Bytes bytes, const std::string& subject) {
  const auto end = find_end(bytes);
  if (!end) return corrupt(subject + ": zip has no end record (file is truncated?)");
  Directory out;
  out.entries = load_le<std::uint16_t>(bytes, *end + 10);
  out.size = load_le<std::uint32_t>(bytes, *end + 12);
  out.offset = load_le<std::uint32_t>(bytes, *end + 16);
  std::uint64_t disks = load_le<std::uint16_t>(bytes, *end + 4);
  std::size_t limit = *end;
  const bool has_locator = *end >= kLocatorBytes &&
                           load_le<std::uint32_t>(bytes, *end - kLocatorBytes) == kLocator64Magic;
  if (has_locator) {
    const auto at = load_le<std::uint64_t>(bytes, *end - kLocatorBytes + 8);
    const auto record = checked_subspan(bytes.first(*end - kLocatorBytes), at, kEnd64Bytes);
    if (!record || load_le<std::uint32_t>(*record, 0) != kEnd64Magic) {
      return corrupt(subject + ": zip64 end record is not where the locator says");
    }
    disks = load_le<std::uint32_t>(*record, 16);
    out.entries = load_le<std::uint64_t>(*record, 32);
    out.size = load_le<std::uint64_t>(*record, 40);
    out.offset = load_le<std::uint64_t>(*record, 48);
    limit = static_cast<std::size_t>(at);
  }
  if (disks != 0) return unsupported(subject + ": zip of several disks (expected one file)");
  if (!checked_subspan(bytes.first(limit), out.offset, out.size)) {
    return corrupt(subject + ": zip directory lies outside of the file");
  }
  if (out.entries > out.size / kCentralBytes) {
    return corrupt(fmt::format("{}: zip directory of {} bytes cannot have {} entries", subject,
                               out.size, out.entries));
  }
  return out;
}

// One row of the central directory.
struct Row {
  std::string_view name;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;
};

// Sizes above 4 GB are in the zip64 field, in this order, and only if the short field is full.
Status read_zip64(Bytes extra, Row& row, const std::string& what) {
  while (extra.size() >= 4) {
    const auto id = load_le<std::uint16_t>(extra, 0);
    const auto length = load_le<std::uint16_t>(extra, 2);
    const auto field = checked_subspan(extra, 4, length);
    if (!field) return corrupt(what + " has a damaged extra field");
    extra = extra.subspan(4U + length);
    if (id != 1) continue;
    std::size_t at = 0;
    for (std::uint64_t* value : {&row.size, &row.packed, &row.offset}) {
      if (*value != kFull) continue;
      if (field->size() < at + 8) return corrupt(what + " has a short zip64 field");
      *value = load_le<std::uint64_t>(*field, at);
      at += 8;
    }
    return {};
  }
  return {};
}

Status check_name(std::string_view name, const std::string& subject) {
  const auto bad = [&] {
    if (name.empty() || name.front() == '/' || !is_valid_utf8(name)) return true;
    if (name.find_first_of(std::string_view("\\\0:", 3)) != std::string_view::npos) return true;
    const std::string padded = fmt::format("/{}/", name);
    return padded.find("/../") != std::string::npos;
  };
  if (!bad()) return {};
  return corrupt(subject + ": zip entry has an unsafe name (expected a relative path inside)");
}

Result<Row> read_row(Bytes directory, std::size_t& at, const std::string& subject) {
  const auto fixed = checked_subspan(directory, at, kCentralBytes);
  if (!fixed || load_le<std::uint32_t>(*fixed, 0) != kCentralMagic) {
    return corrupt(subject + ": zip directory is damaged");
  }
  Row row;
  row.flags = load_le<std::uint16_t>(*fixed, 8);
  row.method = load_le<std::uint16_t>(*fixed, 10);
  row.crc = load_le<std::uint32_t>(*fixed, 16);
  row.packed = load_le<std::uint32_t>(*fixed, 20);
  row.size = load_le<std::uint32_t>(*fixed, 24);
  row.offset = load_le<std::uint32_t>(*fixed, 42);
  const std::size_t name = load_le<std::uint16_t>(*fixed, 28);
  const std::size_t extra = load_le<std::uint16_t>(*fixed, 30);
  const std::size_t comment = load_le<std::uint16_t>(*fixed, 32);
  const auto variable = checked_subspan(directory, at + kCentralBytes, name + extra + comment);
  if (!variable) return corrupt(subject + ": zip directory is truncated");
  at += kCentralBytes + name + extra + comment;
  row.name = text_of(variable->first(name));
  MIEN_RETURN_IF_ERROR(check_name(row.name, subject));
  const std::string what = fmt::format("{}: zip entry '{}'", subject, row.name);
  MIEN_RETURN_IF_ERROR(read_zip64(variable->subspan(name, extra), row, what));
  if ((row.flags & kFlagEncrypted) != 0) return unsupported(what + " is encrypted");
  if (row.method != kStored && row.method != kDeflated) {
    return unsupported(
        fmt::format("{} has compression {} (expected stored or deflated)", what, row.method));
  }
  if (row.method == kStored && row.packed != row.size) {
    return corrupt(
        fmt::format("{} is stored, but its sizes differ ({} and {})", what, row.packed, row.size));
  }
  return row;
}

// The bytes from the local header to the end of the data. Errors when the local header disagrees
// with the directory.
Result<Bytes> locate(Bytes bytes, const Row& row, const std::string& subject, Bytes& data) {
  const std::string what = fmt::format("{}: zip entry '{}'", subject, row.name);
  const auto local = checked_subspan(bytes, row.offset, kLocalBytes);
  if (!local || load_le<std::uint32_t>(*local, 0) != kLocalMagic) {
    return corrupt(what + " has no local header where the directory says");
  }
  const std::uint64_t name = load_le<std::uint16_t>(*local, 26);
  const std::uint64_t before = kLocalBytes + name + load_le<std::uint16_t>(*local, 28);
  const auto length = checked_add<std::uint64_t>(before, row.packed);
  const auto whole = length ? checked_subspan(bytes, row.offset, *length) : std::nullopt;
  if (!whole) return corrupt(what + " reaches beyond the end of the file");
  if (text_of(whole->subspan(kLocalBytes, static_cast<std::size_t>(name))) != row.name ||
      load_le<std::uint16_t>(*local, 8) != row.method) {
    return corrupt(what + " differs from its local header");
  }
  // With a data descriptor the sizes follow the data, and the local header need not have them.
  if ((load_le<std::uint16_t>(*local, 6) & kFlagDescriptor) == 0) {
    const std::uint64_t packed = load_le<std::uint32_t>(*local, 18);
    const std::uint64_t size = load_le<std::uint32_t>(*local, 22);
    if ((packed != kFull && packed != row.packed) || (size != kFull && size != row.size)) {
      return corrupt(what + " has another size in its local header");
    }
  }
  data = whole->subspan(static_cast<std::size_t>(before));
  return *whole;
}

std::uint32_t checksum(Bytes bytes) {
  return static_cast<std::uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

class Inflater {
 public:
  Inflater() { ready_ = inflateInit2(&stream_, -MAX_WBITS) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }

  /// True when `packed` is a whole deflate stream of exactly out.size() bytes.
  bool run(Bytes packed, std::span<std::byte> out) {
    if (!ready_) return false;
    constexpr std::size_t kChunk = std::size_t{1} << 30;  // zlib counts in 32 bits
    Bytef sink = 0;  // zlib needs an output buffer even when no output is expected
    for (;;) {
      const std::size_t in_size = std::min(packed.size(), kChunk);
      const std::size_t out_size = std::min(out.size(), kChunk);
      stream_.next_in = reinterpret_cast<z_const Bytef*>(const_cast<std::byte*>(packed.data()));
      stream_.avail_in = static_cast<uInt>(in_size);
      stream_.next_out = out.empty() ? &sink : reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.empty() ? 1 : out_size);
      const bool ending = out.empty();
      const int code = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t took = in_size - stream_.avail_in;
      const std::size_t gave = (ending ? 1 : out_size) - stream_.avail_out;
      if (ending && gave != 0) return false;
      packed = packed.subspan(took);
      out = out.subspan(gave);
      if (code == Z_STREAM_END) return packed.empty() && out.empty();
      if (code != Z_OK || (took == 0 && gave == 0)) return false;
    }
  }

 private:
  z_stream stream_{};
  bool ready_ = false;
};

}  // namespace

Result<ZipArchive> ZipArchive::parse(Bytes bytes, std::string_view subject,
                                     std::uint64_t max_entries) {
  ZipArchive out;
  out.subject_ = subject;
  MIEN_ASSIGN_OR_RETURN(const Directory where, find_directory(bytes, out.subject_));
  if (where.entries > max_entries) {
    return resource_limit(fmt::format("{}: too many zip entries (expected at most {}, got {})",
                                      subject, max_entries, where.entries));
  }
  const Bytes directory =
      bytes.subspan(static_cast<std::size_t>(where.offset), static_cast<std::size_t>(where.size));
  const Bytes content = bytes.first(static_cast<std::size_t>(where.offset));
  std::vector<std::pair<Bytes, std::string_view>> ranges;
  std::size_t at = 0;
  for (std::uint64_t i = 0; i < where.entries; ++i) {
    MIEN_ASSIGN_OR_RETURN(const Row row, read_row(directory, at, out.subject_));
    ZipEntry entry{{}, row.size, row.crc, row.method == kDeflated};
    MIEN_ASSIGN_OR_RETURN(const Bytes range, locate(content, row, out.subject_, entry.packed));
    ranges.emplace_back(range, row.name);
    if (!out.entries_.emplace(row.name, entry).second) {
      return corrupt(fmt::format("{}: duplicate zip entry '{}'", subject, row.name));
    }
  }
  if (at != directory.size()) {
    return corrupt(out.subject_ + ": zip directory is longer than its entries");
  }
  // Entries that share bytes are how a zip bomb multiplies a small file. Once sorted, only
  // neighbours can overlap.
  std::sort(ranges.begin(), ranges.end(),
            [](const auto& a, const auto& b) { return a.first.data() < b.first.data(); });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first.data() < ranges[i - 1].first.data() + ranges[i - 1].first.size()) {
      return corrupt(fmt::format("{}: zip entries '{}' and '{}' overlap", subject,
                                 ranges[i - 1].second, ranges[i].second));
    }
  }
  return out;
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

Result<ZipContent> ZipArchive::read(std::string_view name, CopyBudget& budget) const {
  const std::string what = fmt::format("{}: zip entry '{}'", subject_, name);
  const ZipEntry* entry = find(name);
  if (entry == nullptr) return corrupt(what + " is missing");
  ZipContent out;
  if (entry->deflated) {
    MIEN_RETURN_IF_ERROR(budget.take(entry->size, what));
    out.owned = Tensor(DType::kU8, {static_cast<std::int64_t>(entry->size)});
    if (!Inflater().run(entry->packed, out.owned.mutable_bytes())) {
      return corrupt(what + " does not inflate to the size it promises");
    }
    out.bytes = out.owned.bytes();
  } else {
    out.bytes = entry->packed;
  }
  if (checksum(out.bytes) != entry->crc) return corrupt(what + " has a wrong checksum");
  return out;
}

}  // namespace mien::checkpoint
