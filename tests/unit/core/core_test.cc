#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "core/checked.h"
#include "core/sha256.h"
#include "core/utf8.h"
#include "mien/core/rng.h"
#include "mien/core/status.h"

namespace mien {
namespace {

Result<int> half(int v) {
  if (v % 2 != 0) return invalid_argument("v: is odd (expected even)");
  return v / 2;
}

Status quarter(int v, int* out) {
  MIEN_ASSIGN_OR_RETURN(const int first, half(v));
  MIEN_ASSIGN_OR_RETURN(*out, half(first));
  return {};
}

TEST(Status, MacrosPassOnValuesAndErrors) {
  int out = 0;
  EXPECT_TRUE(quarter(12, &out).ok());
  EXPECT_EQ(out, 3);
  const Status bad = quarter(6, &out);
  EXPECT_EQ(bad.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(bad.with_prefix("file.txt").message(), "file.txt: v: is odd (expected even)");
  EXPECT_EQ(bad.with_prefix("v").message(), bad.message()) << "it says so already";
  EXPECT_TRUE(Status().with_prefix("x").ok());
}

TEST(Status, ValueOfAnErrorIsAContractError) {
  const Result<int> bad = half(1);
  EXPECT_THROW((void)bad.value(), ContractError);
  EXPECT_THROW(static_cast<void>(Result<int>{Status::ok_status()}), ContractError);
}

TEST(Checked, ReportsOverflowAndRangesOutside) {
  EXPECT_EQ(checked_mul<std::uint64_t>(1ULL << 32, 1ULL << 31), 1ULL << 63);
  EXPECT_FALSE(checked_mul<std::uint64_t>(1ULL << 32, 1ULL << 32));
  EXPECT_FALSE(checked_add<std::uint64_t>(~0ULL, 1));
  std::array<int, 4> storage{};
  const std::span<int> a(storage);
  EXPECT_EQ(checked_subspan(a, 1, 3)->size(), 3U);
  EXPECT_EQ(checked_subspan(a, 4, 0)->size(), 0U);
  EXPECT_FALSE(checked_subspan(a, 2, 3));
  EXPECT_FALSE(checked_subspan(a, ~0ULL, 2));
}

TEST(Rng, IsRepeatableAndUniform) {
  Rng a(7);
  Rng b(7);
  EXPECT_EQ(a.next_u64(), b.next_u64());
  std::array<int, 5> counts{};
  for (int i = 0; i < 5000; ++i) ++counts[a.below(5)];
  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < 20000; ++i) {
    const double x = b.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 20000, 0, 0.03);
  EXPECT_NEAR(squares / 20000, 1, 0.05);
}

TEST(Sha256, MatchesFips180Vectors) {
  const std::string abc = "abc";
  EXPECT_EQ(sha256_hex(std::as_bytes(std::span(abc))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Utf8, ControlsAndHiddenMarksAreEscaped) {
  EXPECT_EQ(escape_controls("a\nb\r\t\x1b[0m"), "a\\nb\\r\\t\\x1b[0m");
  EXPECT_EQ(escape_controls("x\xE2\x80\xAEy"), "x\\u202ey");  // right-to-left override
  EXPECT_EQ(escape_controls("\xEF\xBB\xBF\xC2\x85"), "\\ufeff\\u0085");
  EXPECT_EQ(escape_controls("\xC3\xA9\xFF"), "\xC3\xA9\xEF\xBF\xBD");
  EXPECT_EQ(escape_controls("abcd", 4), "abcd");
  EXPECT_EQ(escape_controls("abcde", 4), "abcd…");
  EXPECT_EQ(escape_controls(std::string(100, 'a'), 2), "aa…");
  EXPECT_EQ(escape_controls(""), "");
}

TEST(Utf8, AcceptsOnlyWellFormedText) {
  EXPECT_TRUE(is_valid_utf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  for (const char* bad :
       {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE2\x82", "\xFF"}) {
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  }
  EXPECT_EQ(to_code_points("\xE2\x82z"), (std::vector<char32_t>{0xFFFD, 'z'}));
  std::string out;
  for (const char32_t c : {char32_t{'a'}, char32_t{0xE9}, char32_t{0x20AC}, char32_t{0x1F600}}) {
    append_utf8(out, c);
  }
  EXPECT_EQ(out, "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace mien
