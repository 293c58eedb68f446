#pragma once

// Makes small files of the formats that the checkpoint room reads, valid or damaged at will.

#include <cstdint>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mien::test {

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

template <class T>
std::string little(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

/// GCC 12 warns wrongly about "text" + std::string.
inline std::string join(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

inline void write_bytes(const std::string& path, std::string_view content) {
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::string safetensors_file(const std::string& header, const std::string& data) {
  return little<std::uint64_t>(header.size()) + header + data;
}

inline std::uint32_t crc_of(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

/// One entry as the headers describe it; the fields may be wrong on purpose.
struct ZipFields {
  std::string name;
  std::string data;  ///< as packed
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t crc = 0;
  std::uint64_t packed = 0;
  std::uint64_t size = 0;
  std::uint64_t offset = 0;      ///< in the central directory; set by add()
  std::string local_name;        ///< the name in the local header
  std::uint32_t local_size = 0;  ///< both sizes in the local header
  std::string central_extra;
};

class ZipBuilder {
 public:
  static ZipFields stored(std::string name, std::string data) {
    ZipFields out;
    out.name = out.local_name = std::move(name);
    out.crc = crc_of(data);
    out.packed = out.size = data.size();
    out.local_size = static_cast<std::uint32_t>(data.size());
    out.data = std::move(data);
    return out;
  }

  ZipBuilder& add(std::string name, std::string data) {
    return add(stored(std::move(name), std::move(data)));
  }
  /// Entries that set their own offset keep it.
  ZipBuilder& add(ZipFields entry) {
    if (entry.offset == 0) entry.offset = body_.size();
    body_ += little<std::uint32_t>(0x04034b50) + little<std::uint16_t>(20) + little(entry.flags) +
             little(entry.method) + little<std::uint32_t>(0) + little(entry.crc) +
             little(entry.local_size) + little(entry.local_size) +
             little(static_cast<std::uint16_t>(entry.local_name.size())) +
             little<std::uint16_t>(0) + entry.local_name + entry.data;
    return add_central(entry);
  }
  /// Only the row in the directory.
  ZipBuilder& add_central(const ZipFields& entry) {
    central_ +=
        little<std::uint32_t>(0x02014b50) + little<std::uint16_t>(20) + little<std::uint16_t>(20) +
        little(entry.flags) + little(entry.method) + little<std::uint32_t>(0) + little(entry.crc) +
        little(static_cast<std::uint32_t>(entry.packed)) +
        little(static_cast<std::uint32_t>(entry.size)) +
        little(static_cast<std::uint16_t>(entry.name.size())) +
        little(static_cast<std::uint16_t>(entry.central_extra.size())) + little<std::uint16_t>(0) +
        little<std::uint16_t>(0) + little<std::uint16_t>(0) + little<std::uint32_t>(0) +
        little(static_cast<std::uint32_t>(entry.offset)) + entry.name + entry.central_extra;
    ++count_;
    return *this;
  }

  std::string build(std::string_view comment = "") const {
    return body_ + central_ + end(count_, central_.size(), body_.size(), comment);
  }
  /// With a zip64 end record; the short one is saturated.
  std::string build64() const {
    const std::uint64_t at = body_.size() + central_.size();
    const std::string record =
        little<std::uint32_t>(0x06064b50) + little<std::uint64_t>(44) + little<std::uint16_t>(45) +
        little<std::uint16_t>(45) + little<std::uint32_t>(0) + little<std::uint32_t>(0) +
        little<std::uint64_t>(count_) + little<std::uint64_t>(count_) +
        little<std::uint64_t>(central_.size()) + little<std::uint64_t>(body_.size());
    const std::string locator = little<std::uint32_t>(0x07064b50) + little<std::uint32_t>(0) +
                                little<std::uint64_t>(at) + little<std::uint32_t>(1);
    return body_ + central_ + record + locator + end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, "");
  }
  static std::string end(std::uint64_t count, std::uint64_t size, std::uint64_t offset,
                         std::string_view comment) {
    return little<std::uint32_t>(0x06054b50) + little<std::uint32_t>(0) +
           little(static_cast<std::uint16_t>(count)) + little(static_cast<std::uint16_t>(count)) +
           little(static_cast<std::uint32_t>(size)) + little(static_cast<std::uint32_t>(offset)) +
           little(static_cast<std::uint16_t>(comment.size())) + std::string(comment);
  }
  std::size_t body_bytes() const { return body_.size(); }

 private:
  std::string body_;
  std::string central_;
  std::uint64_t count_ = 0;
};

/// Fragments of pickle programs.
namespace pickle {

inline std::string text(std::string_view value) {
  return join({"X", little(static_cast<std::uint32_t>(value.size())), value});
}
inline std::string number(std::int32_t value) { return join({"J", little(value)}); }
inline std::string number64(std::int64_t value) { return join({"\x8a\x08", little(value)}); }
inline std::string global(std::string_view module, std::string_view name) {
  return join({"c", module, "\n", name, "\n"});
}
inline std::string tuple(const std::vector<std::string>& items) {
  std::string out = "(";
  for (const std::string& item : items) out += item;
  return out + "t";
}
inline std::string call(const std::string& callee, const std::vector<std::string>& args) {
  return callee + tuple(args) + "R";
}
inline std::string numbers(const std::vector<std::int64_t>& values) {
  std::vector<std::string> items;
  for (const std::int64_t value : values) items.push_back(number64(value));
  return tuple(items);
}
inline std::string map(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out = "}(";
  for (const auto& [key, value] : entries) out += text(key) + value;
  return out + "u";
}
inline std::string program(const std::string& body) { return join({"\x80\x02", body, "."}); }

struct Tensor {
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;
  std::int64_t count = 0;  ///< elements of the storage
  std::string type = "FloatStorage";
  std::string key = "0";
  std::string legacy_view = {};  ///< a sixth item of the storage, as program text
};

inline std::string storage(const Tensor& t) {
  std::vector<std::string> items = {text("storage"), global("torch", t.type), text(t.key),
                                    text("cpu"), number64(t.count)};
  if (!t.legacy_view.empty()) items.push_back(t.legacy_view);
  return tuple(items) + "Q";
}
inline std::string tensor(const Tensor& t) {
  return call(global("torch._utils", "_rebuild_tensor_v2"),
              {storage(t), number64(t.offset), numbers(t.shape), numbers(t.strides), "\x89",
               call(global("collections", "OrderedDict"), {})});
}

}  // namespace pickle

/// A torch.save archive with the pickle program and storage "0".
inline std::string torch_zip(const std::string& body, const std::string& data) {
  return ZipBuilder()
      .add("archive/data.pkl", pickle::program(body))
      .add("archive/data/0", data)
      .add("archive/version", "3\n")
      .build();
}

/// The legacy format, with the given data section.
inline std::string torch_legacy(const std::string& body, const std::string& keys,
                                const std::string& data) {
  const std::string magic("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 12);
  return pickle::program(magic) + pickle::program(pickle::number(1001)) +
         pickle::program(pickle::map({{"protocol_version", pickle::number(1001)}})) +
         pickle::program(body) + pickle::program(keys) + data;
}

inline std::string floats(const std::vector<float>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
}

}  // namespace mien::test
