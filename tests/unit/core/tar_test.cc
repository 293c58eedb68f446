#include "core/tar.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

#include "support/test_support.h"

namespace mien {
namespace {

std::string block(const std::string& name, std::size_t size, char type) {
  std::string header(512, '\0');
  std::memcpy(header.data(), name.data(), std::min<std::size_t>(name.size(), 100));
  std::snprintf(header.data() + 124, 12, "%011zo", size);
  header[156] = type;
  std::memcpy(header.data() + 257, "ustar", 5);
  std::memset(header.data() + 148, ' ', 8);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::snprintf(header.data() + 148, 7, "%06o", sum);
  return header;
}

std::string entry(const std::string& name, const std::string& content, char type = '0') {
  std::string out = block(name, content.size(), type) + content;
  out.resize((out.size() + 511) / 512 * 512);
  return out;
}

Result<std::vector<TarEntry>> parse(const std::string& archive) {
  return parse_tar(std::as_bytes(std::span(archive)), "a.tar");
}

TEST(Tar, ListsRegularFiles) {
  const std::string long_path(150, 'p');
  const std::string archive = entry("d/", "", '5') + entry("d/a.txt", "hello") +
                              entry("././@LongLink", long_path + '\0', 'L') + entry("short", "x") +
                              entry("h", "17 path=pax/name\n", 'x') + entry("cut", "") +
                              std::string(1024, '\0');
  const auto entries = parse(archive);
  MIEN_ASSERT_OK(entries);
  ASSERT_EQ(entries->size(), 3U);
  EXPECT_EQ((*entries)[0].name, "d/a.txt");
  EXPECT_EQ(std::memcmp((*entries)[0].bytes.data(), "hello", 5), 0);
  EXPECT_EQ((*entries)[1].name, long_path);
  EXPECT_EQ((*entries)[2].name, "pax/name");
}

TEST(Tar, RejectsDamage) {
  std::string archive = entry("a", "hello") + std::string(1024, '\0');
  MIEN_EXPECT_CODE(parse(""), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(parse(archive.substr(0, 300)), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(parse(archive.substr(0, 514)), StatusCode::kCorrupt);
  archive[3] = 'z';
  MIEN_EXPECT_CODE(parse(archive), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(parse(block("a", 07777777777, '0')), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(parse(entry("link", "", '2')), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace mien
