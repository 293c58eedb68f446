#include "train/event_file.h"

#include <fmt/format.h>

#include <array>
#include <bit>

namespace mien::train {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78U;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1U) * kPolynomial);
    table[i] = value;
  }
  return table;
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8U;
}

void put_fixed(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}
void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7FU) | 0x80U);
  out += static_cast<char>(value);
}

enum class Wire : unsigned { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };
void put_key(std::string& out, unsigned field, Wire wire) {
  put_varint(out, (field << 3U) | static_cast<unsigned>(wire));
}
void put_bytes(std::string& out, unsigned field, std::string_view bytes) {
  put_key(out, field, Wire::kBytes);
  put_varint(out, bytes.size());
  out += bytes;
}

// Event { double wall_time = 1; int64 step = 2; ... }
std::string event_head(double wall_seconds, std::int64_t step) {
  std::string out;
  put_key(out, 1, Wire::kFixed64);
  put_fixed(out, std::bit_cast<std::uint64_t>(wall_seconds), 8);
  put_key(out, 2, Wire::kVarint);
  put_varint(out, static_cast<std::uint64_t>(step));
  return out;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = make_table();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes)
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  return ~crc;
}

Status EventFile::open(const std::filesystem::path& folder, double wall_seconds,
                       std::int64_t first_step) {
  name_ = (folder / fmt::format("events.out.tfevents.{:010}.{}.mien",
                                static_cast<std::int64_t>(wall_seconds), first_step))
              .string();
  out_.open(name_, std::ios::binary | std::ios::trunc);
  std::string version = event_head(wall_seconds, 0);
  put_bytes(version, 3, "brain.Event:2");
  MIEN_RETURN_IF_ERROR(record(version));
  if (first_step == 0) return flush();
  // SessionLog { status = 1: START } at a step: readers purge events of later steps.
  std::string start = event_head(wall_seconds, first_step);
  put_bytes(start, 7, std::string_view("\x08\x01", 2));
  MIEN_RETURN_IF_ERROR(record(start));
  return flush();
}

Status EventFile::scalar(std::string_view tag, double value, std::int64_t step,
                         double wall_seconds) {
  if (!out_.is_open()) return {};
  std::string item;  // Summary.Value { string tag = 1; float simple_value = 2; }
  put_bytes(item, 1, tag);
  put_key(item, 2, Wire::kFixed32);
  put_fixed(item, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
  std::string summary;
  put_bytes(summary, 1, item);
  std::string event = event_head(wall_seconds, step);
  put_bytes(event, 5, summary);
  return record(event);
}

Status EventFile::record(std::string_view event) {
  std::string out;
  put_fixed(out, event.size(), 8);
  put_fixed(out, masked(out), 4);
  out += event;
  put_fixed(out, masked(event), 4);
  out_.write(out.data(), static_cast<std::streamsize>(out.size()));
  return out_ ? Status() : io_error(name_ + ": cannot be written");
}

Status EventFile::flush() {
  if (!out_.is_open()) return {};
  out_.flush();
  return out_ ? Status() : io_error(name_ + ": cannot be written");
}

}  // namespace mien::train
