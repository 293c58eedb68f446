#include "checkpoint/zip.h"

#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/checkpoint/builders.h"

namespace mien::checkpoint {
namespace {

using test::bytes_of;
using test::little;
using test::ZipBuilder;
using test::ZipFields;

void expect_zip_damage(const std::string& file, StatusCode code, std::string_view word) {
  const auto parsed = ZipArchive::parse(bytes_of(file), "zip", 100);
  MIEN_EXPECT_CODE(parsed, code) << word;
  EXPECT_NE(parsed.status().message().find(word), std::string::npos) << parsed.status().message();
}

Status read_status(const std::string& file, std::string_view name, std::uint64_t max_bytes) {
  const auto parsed = ZipArchive::parse(bytes_of(file), "zip", 100);
  if (!parsed.ok()) return parsed.status();
  Limits limits;
  limits.max_file_bytes = max_bytes;
  CopyBudget budget(file.size(), limits);
  return parsed->read(name, budget).status();
}

TEST(Zip, ReadsStoredEntriesInPlace) {
  const std::string file = ZipBuilder().add("a/b", "hello").add("a/c", "").build("comment");
  const auto zip = ZipArchive::parse(bytes_of(file), "zip", 2);
  MIEN_ASSERT_OK(zip);
  CopyBudget budget(file.size(), {});
  const auto content = zip->read("a/b", budget);
  MIEN_ASSERT_OK(content);
  EXPECT_TRUE(content->owned.bytes().empty());
  EXPECT_EQ(content->bytes.size(), 5U);
  EXPECT_EQ(static_cast<char>(content->bytes[4]), 'o');
  MIEN_ASSERT_OK(zip->read("a/c", budget));
  MIEN_EXPECT_CODE(zip->read("a/d", budget), StatusCode::kCorrupt);
}

TEST(Zip, EmptyArchiveHasNoEntries) {
  const std::string file = ZipBuilder().build();
  const auto zip = ZipArchive::parse(bytes_of(file), "zip", 2);
  MIEN_ASSERT_OK(zip);
  EXPECT_TRUE(zip->entries().empty());
}

TEST(Zip, ReadsZip64) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.packed = entry.size = 0xFFFFFFFF;
  entry.local_size = 0xFFFFFFFF;
  entry.central_extra = little<std::uint16_t>(9) + little<std::uint16_t>(2) + "xx" +
                        little<std::uint16_t>(1) + little<std::uint16_t>(16) +
                        little<std::uint64_t>(5) + little<std::uint64_t>(5);
  const std::string file = ZipBuilder().add(entry).build64();
  MIEN_ASSERT_OK(read_status(file, "a", 1 << 20));
}

TEST(Zip, ReadsDataDescriptors) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.flags = 8;
  entry.local_size = 0;
  entry.data += little<std::uint32_t>(0x08074b50) + little(entry.crc) + little<std::uint32_t>(5) +
                little<std::uint32_t>(5);
  const std::string file = ZipBuilder().add(entry).add("b", "x").build();
  MIEN_ASSERT_OK(read_status(file, "a", 1 << 20));
  MIEN_ASSERT_OK(read_status(file, "b", 1 << 20));
}

TEST(ZipDamage, Truncated) {
  const std::string file = ZipBuilder().add("a", "hello").add("b", "x").build();
  for (std::size_t size = 0; size < file.size(); ++size) {
    MIEN_EXPECT_CODE(ZipArchive::parse(bytes_of(file).first(size), "zip", 100),
                     StatusCode::kCorrupt)
        << size;
  }
}

TEST(ZipDamage, DuplicateNames) {
  expect_zip_damage(ZipBuilder().add("a", "1").add("a", "2").build(), StatusCode::kCorrupt,
                    "duplicate");
}

TEST(ZipDamage, OverlappingEntries) {
  // The second entry is inside the data of the first.
  ZipFields inner = ZipBuilder::stored("b", "xyz");
  ZipBuilder hidden;
  hidden.add(inner);
  const std::string nested = hidden.build().substr(0, hidden.body_bytes());
  ZipFields holder = ZipBuilder::stored("a", nested);
  inner.offset = 31;  // behind the local header of "a"
  const std::string file = ZipBuilder().add(holder).add_central(inner).build();
  expect_zip_damage(file, StatusCode::kCorrupt, "overlap");
}

TEST(ZipDamage, LyingSizes) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.size = 6;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "sizes differ");
  entry = ZipBuilder::stored("a", "hello");
  entry.packed = entry.size = 500;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "beyond the end");
  entry = ZipBuilder::stored("a", "hello");
  entry.local_size = 4;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "another size");
}

TEST(ZipDamage, Zip64FieldTooShort) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.packed = entry.size = 0xFFFFFFFF;
  entry.central_extra =
      little<std::uint16_t>(1) + little<std::uint16_t>(8) + little<std::uint64_t>(5);
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "zip64");
  entry.central_extra = little<std::uint16_t>(1) + little<std::uint16_t>(80);
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "extra field");
}

TEST(ZipDamage, HugeZip64Sizes) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.packed = entry.size = 0xFFFFFFFF;
  entry.local_size = 0xFFFFFFFF;
  entry.central_extra = little<std::uint16_t>(1) + little<std::uint16_t>(16) +
                        little(~std::uint64_t{0}) + little(~std::uint64_t{0});
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "beyond the end");
}

TEST(ZipDamage, UnsafeNames) {
  for (const char* name : {"../a", "a/../../b", "/etc/passwd", "a\\b", "c:x", "..", "\xff"}) {
    expect_zip_damage(ZipBuilder().add(name, "x").build(), StatusCode::kCorrupt, "unsafe name");
  }
  expect_zip_damage(ZipBuilder().add("", "x").build(), StatusCode::kCorrupt, "unsafe name");
}

TEST(ZipDamage, LocalHeaderHasAnotherName) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.local_name = "b";
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "differs");
}

TEST(ZipDamage, NoLocalHeaderWhereTheDirectorySays) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.offset = 3;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kCorrupt, "no local header");
}

TEST(ZipDamage, DirectoryOutsideTheFile) {
  expect_zip_damage(ZipBuilder::end(1, 46, 1000, ""), StatusCode::kCorrupt, "outside");
  expect_zip_damage(ZipBuilder::end(9, 0, 0, ""), StatusCode::kCorrupt, "cannot have 9 entries");
}

TEST(ZipDamage, DirectoryLongerThanItsEntries) {
  const std::string body = "zzzz";
  expect_zip_damage(body + ZipBuilder::end(0, 4, 0, ""), StatusCode::kCorrupt, "longer");
}

TEST(ZipDamage, TooManyEntries) {
  ZipBuilder builder;
  for (int i = 0; i < 101; ++i) builder.add(std::to_string(i), "");
  expect_zip_damage(builder.build(), StatusCode::kResourceLimit, "too many");
}

TEST(ZipDamage, EncryptedAndOddCompression) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.flags = 1;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kUnsupported, "encrypted");
  entry = ZipBuilder::stored("a", "hello");
  entry.method = 12;
  expect_zip_damage(ZipBuilder().add(entry).build(), StatusCode::kUnsupported, "compression 12");
}

TEST(ZipDamage, WrongChecksum) {
  ZipFields entry = ZipBuilder::stored("a", "hello");
  entry.crc ^= 1;
  const Status status = read_status(ZipBuilder().add(entry).build(), "a", 1 << 20);
  MIEN_EXPECT_CODE(status, StatusCode::kCorrupt);
  EXPECT_NE(status.message().find("checksum"), std::string::npos);
}

// A deflate stream of stored blocks, which needs no compressor.
std::string deflated(const std::string& data) {
  const auto size = static_cast<std::uint16_t>(data.size());
  return test::join({"\x01", little(size), little(static_cast<std::uint16_t>(~size)), data});
}

ZipFields deflated_entry(const std::string& data, const std::string& packed, std::uint64_t size) {
  ZipFields entry = ZipBuilder::stored("a", packed);
  entry.method = 8;
  entry.flags = 8;
  entry.crc = test::crc_of(data);
  entry.size = size;
  return entry;
}

TEST(ZipDeflate, ExactSizeOnly) {
  const std::string packed = deflated("hello");
  const auto status = [&](std::string stream, std::uint64_t size) {
    return read_status(ZipBuilder().add(deflated_entry("hello", stream, size)).build(), "a",
                       1 << 20);
  };
  MIEN_ASSERT_OK(status(packed, 5));
  MIEN_EXPECT_CODE(status(packed, 4), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status(packed, 6), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status(packed, 0), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status(packed + "x", 5), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status(packed.substr(0, packed.size() - 1), 5), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(status("\x07garbage", 5), StatusCode::kCorrupt);
}

TEST(ZipDeflate, BombIsRejectedBeforeUnpacking) {
  const std::string packed = deflated("hello");
  const std::string file =
      ZipBuilder().add(deflated_entry("hello", packed, std::uint64_t{0xF0000000})).build();
  MIEN_EXPECT_CODE(read_status(file, "a", std::uint64_t{1} << 40), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(
      read_status(ZipBuilder().add(deflated_entry("hello", packed, 5)).build(), "a", 4),
      StatusCode::kResourceLimit);
}

}  // namespace
}  // namespace mien::checkpoint
