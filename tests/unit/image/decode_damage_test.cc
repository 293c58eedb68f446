#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "mien/image/decode.h"
#include "unit/image/image_test_support.h"

namespace mien::image {
namespace {

using namespace test;
using testing::AssertionFailure;
using testing::AssertionResult;
using testing::AssertionSuccess;

void put_16_big(ByteVector& bytes, std::size_t at, unsigned value) {
  bytes[at] = static_cast<std::byte>(value >> 8);
  bytes[at + 1] = static_cast<std::byte>(value & 0xFF);
}

void put_32_little(ByteVector& bytes, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

// Offset of the height in the frame header of a JPEG; the width follows.
std::size_t jpeg_size_at(const ByteVector& bytes) {
  for (std::size_t i = 2; i + 9 < bytes.size(); ++i) {
    const int marker = std::to_integer<int>(bytes[i + 1]);
    if (bytes[i] == std::byte{0xFF} && (marker == 0xC0 || marker == 0xC2)) return i + 5;
  }
  ADD_FAILURE() << "no frame header";
  return 0;
}

ByteVector cut(const ByteVector& bytes, std::size_t size) {
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

// Every cut in the first `sure` bytes of the file must be an error that starts with the subject;
// later cuts must not crash.
AssertionResult every_cut_fails(const std::string& name, double sure) {
  const ByteVector bytes = golden_bytes("decode/" + name);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    const ByteVector part = cut(bytes, size);
    const auto image = decode(part);
    if (static_cast<double>(size) >= sure * static_cast<double>(bytes.size())) continue;
    if (image.ok()) return AssertionFailure() << name << " cut to " << size << " was read";
    if (image.status().message().rfind("bytes: ", 0) != 0) {
      return AssertionFailure() << image.status().message();
    }
    const bool known = sniff(part) != Format::kUnknown;
    if (known && image.status().code() != StatusCode::kCorrupt) {
      return AssertionFailure() << name << " cut to " << size << ": "
                                << mien::test::problem_of(image);
    }
  }
  return AssertionSuccess();
}

TEST(DecodeDamage, ZeroBytes) {
  MIEN_EXPECT_CODE(decode({}), StatusCode::kCorrupt);
  EXPECT_EQ(decode({}).status().message(), "bytes: is empty (expected a picture)");
}

TEST(DecodeDamage, TruncatedBaselineJpeg) { EXPECT_TRUE(every_cut_fails("baseline.jpg", 0.97)); }
TEST(DecodeDamage, TruncatedProgressiveJpeg) {
  EXPECT_TRUE(every_cut_fails("progressive.jpg", 0.97));
}
TEST(DecodeDamage, TruncatedCmykJpeg) { EXPECT_TRUE(every_cut_fails("cmyk_adobe.jpg", 0.97)); }
TEST(DecodeDamage, TruncatedPng) { EXPECT_TRUE(every_cut_fails("rgb8.png", 0.97)); }
TEST(DecodeDamage, TruncatedInterlacedPng) {
  EXPECT_TRUE(every_cut_fails("interlaced_rgba.png", 0.97));
}
TEST(DecodeDamage, TruncatedLossyWebp) { EXPECT_TRUE(every_cut_fails("lossy.webp", 1)); }
TEST(DecodeDamage, TruncatedLosslessWebp) { EXPECT_TRUE(every_cut_fails("lossless.webp", 1)); }
TEST(DecodeDamage, TruncatedBmp) { EXPECT_TRUE(every_cut_fails("index4.bmp", 0.97)); }
TEST(DecodeDamage, TruncatedBitfieldBmp) { EXPECT_TRUE(every_cut_fails("rgba_fields.bmp", 1)); }
TEST(DecodeDamage, TruncatedBinaryPpm) { EXPECT_TRUE(every_cut_fails("p6.ppm", 1)); }
TEST(DecodeDamage, TruncatedPlainPpm) { EXPECT_TRUE(every_cut_fails("p3.ppm", 0.97)); }

TEST(DecodeDamage, JpegWithoutEndMarkerIsComplete) {
  for (const char* name : {"decode/baseline.jpg", "decode/progressive.jpg"}) {
    const ByteVector bytes = golden_bytes(name);
    const auto image = decode(cut(bytes, bytes.size() - 2));
    MIEN_ASSERT_OK(image) << name;
    EXPECT_EQ(image->pixels(), decode(bytes)->pixels());
  }
}

TEST(DecodeDamage, JpegHeaderOf30000x30000) {
  ByteVector bytes = golden_bytes("decode/baseline.jpg");
  put_16_big(bytes, jpeg_size_at(bytes), 30000);
  put_16_big(bytes, jpeg_size_at(bytes) + 2, 30000);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kResourceLimit);
  EXPECT_EQ(decode(bytes).status().message(),
            "bytes: 30000x30000 picture is too large (expected at most 16384 on a side)");
}

TEST(DecodeDamage, JpegHeaderLiesAboutItsSize) {
  for (const char* name : {"decode/baseline.jpg", "decode/progressive.jpg"}) {
    ByteVector bytes = golden_bytes(name);
    put_16_big(bytes, jpeg_size_at(bytes), 8000);
    put_16_big(bytes, jpeg_size_at(bytes) + 2, 7000);
    MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
    put_16_big(bytes, jpeg_size_at(bytes), 40);  // plausible, but the data is for 13 rows
    put_16_big(bytes, jpeg_size_at(bytes) + 2, 19);
    MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
  }
}

TEST(DecodeDamage, JpegWithTooManyScans) {
  const ByteVector bytes = golden_bytes("decode/progressive.jpg");
  // Repeats the last scan: legal bytes, endless work.
  std::size_t scan = bytes.size() - 2;
  while (!(bytes[scan] == std::byte{0xFF} && bytes[scan + 1] == std::byte{0xDA})) --scan;
  ByteVector bomb(bytes.begin(), bytes.end() - 2);
  for (int i = 0; i < 200; ++i) {
    bomb.insert(bomb.end(), bytes.begin() + static_cast<std::ptrdiff_t>(scan), bytes.end() - 2);
  }
  bomb.insert(bomb.end(), bytes.end() - 2, bytes.end());
  MIEN_EXPECT_CODE(decode(bomb), StatusCode::kResourceLimit);
}

TEST(DecodeDamage, TwelveBitJpegIsUnsupported) {
  ByteVector bytes = golden_bytes("decode/baseline.jpg");
  bytes[jpeg_size_at(bytes) - 1] = std::byte{12};
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kUnsupported);
}

TEST(DecodeDamage, PngHeaderOf30000x30000) {
  ByteVector bytes = golden_bytes("decode/rgb8.png");
  put_16_big(bytes, 18, 30000);
  put_16_big(bytes, 22, 30000);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kResourceLimit);
  EXPECT_EQ(decode(bytes).status().message(),
            "bytes: 30000x30000 picture is too large (expected at most 16384 on a side)");
}

TEST(DecodeDamage, PngWithManyPixels) {
  ByteVector bytes = golden_bytes("decode/rgb8.png");
  put_16_big(bytes, 18, 16000);
  put_16_big(bytes, 22, 16000);
  EXPECT_EQ(decode(bytes).status().message(),
            "bytes: 16000x16000 picture is too large (expected at most 64000000 pixels)");
}

TEST(DecodeDamage, PngWithFlippedBits) {
  const ByteVector bytes = golden_bytes("decode/rgb8.png");
  for (std::size_t at = 8; at + 16 < bytes.size(); ++at) {
    ByteVector damaged = bytes;
    damaged[at] ^= std::byte{0x10};
    const auto image = decode(damaged);  // ancillary chunks may be damaged without harm
    if (!image.ok()) continue;
    EXPECT_EQ(image->pixels(), decode(bytes)->pixels()) << at;
  }
}

TEST(DecodeDamage, WebpAnimationIsUnsupported) {
  // VP8X with the animation flag, 1x1 canvas, no frames.
  using namespace std::string_view_literals;
  const ByteVector bytes = to_bytes("RIFF\x16\0\0\0WEBPVP8X\x0A\0\0\0\x02\0\0\0\0\0\0\0\0\0"sv);
  const auto image = decode(bytes);
  ASSERT_FALSE(image.ok());
  EXPECT_TRUE(image.status().code() == StatusCode::kUnsupported) << image.status().message();
}

TEST(DecodeDamage, WebpAboveTheLimits) {
  Limits limits;
  limits.max_dimension = 18;
  MIEN_EXPECT_CODE(decode(golden_bytes("decode/lossy.webp"), limits), StatusCode::kResourceLimit);
}

TEST(DecodeDamage, BmpHeaderLiesAboutItsSize) {
  ByteVector bytes = golden_bytes("decode/bgr24.bmp");
  put_32_little(bytes, 18, 8000);
  put_32_little(bytes, 22, 7000);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
  put_32_little(bytes, 18, 30000);
  put_32_little(bytes, 22, 30000);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kResourceLimit);
  put_32_little(bytes, 18, 0x7FFFFFFF);
  put_32_little(bytes, 22, 0x80000000);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kResourceLimit);
  put_32_little(bytes, 18, 0xFFFFFFFF);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
  put_32_little(bytes, 18, 0);
  put_32_little(bytes, 22, 5);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
}

TEST(DecodeDamage, BmpDataOffsetBeyondTheFile) {
  ByteVector bytes = golden_bytes("decode/bgr24.bmp");
  put_32_little(bytes, 10, 0xFFFFFFFF);
  MIEN_EXPECT_CODE(decode(bytes), StatusCode::kCorrupt);
}

TEST(DecodeDamage, BmpKindsThatAreUnsupported) {
  ByteVector rle = golden_bytes("decode/index8.bmp");
  put_32_little(rle, 30, 1);
  MIEN_EXPECT_CODE(decode(rle), StatusCode::kUnsupported);
  ByteVector holes = golden_bytes("decode/rgb565.bmp");
  put_32_little(holes, 54, 0xF0F0);
  MIEN_EXPECT_CODE(decode(holes), StatusCode::kUnsupported);
  ByteVector bits = golden_bytes("decode/bgr24.bmp");
  bits[28] = std::byte{2};
  MIEN_EXPECT_CODE(decode(bits), StatusCode::kUnsupported);
}

TEST(DecodeDamage, BmpIndexBeyondItsPaletteIsBlack) {
  ByteVector bytes = golden_bytes("decode/index8.bmp");
  bytes[bytes.size() - 20] = std::byte{200};  // first pixel of the upper row
  const auto image = decode(bytes);
  MIEN_ASSERT_OK(image);
  EXPECT_EQ(image->row(0)[0] + image->row(0)[1] + image->row(0)[2], 0);
}

TEST(DecodeDamage, PpmHeaders) {
  MIEN_EXPECT_CODE(decode(to_bytes("P6 30000 30000 255\n...")), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(decode(to_bytes("P6 999999999999 2 255\n...")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P6 8000 8000 255\n...")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P3 8000 8000 255\n1 2 3")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P6 0 3 255\n")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P6 -1 3 255\n")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P5 1 1 0\nx")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P5 1 1 65536\nxx")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P5 1 1 100\nx")), StatusCode::kCorrupt);  // 'x' is 120
  MIEN_EXPECT_CODE(decode(to_bytes("P2 2 1 255\n12 abc")), StatusCode::kCorrupt);
  MIEN_EXPECT_CODE(decode(to_bytes("P2 # only a comment")), StatusCode::kCorrupt);
}

TEST(DecodeDamage, TextFileNamedJpg) {
  const mien::test::TempDir folder;
  MIEN_ASSERT_OK(write_file_atomically(folder / "notes.jpg", "dear diary"));
  const auto image = load(folder / "notes.jpg");
  MIEN_EXPECT_CODE(image, StatusCode::kUnsupported);
  EXPECT_EQ(image.status().message(),
            (folder / "notes.jpg").string() +
                ": is not a picture of a known format (expected JPEG, PNG, WebP, BMP, PPM, TIFF, "
                "HEIC, AVIF or JPEG 2000)");
}

TEST(DecodeDamage, EmptyFile) {
  const mien::test::TempDir folder;
  MIEN_ASSERT_OK(write_file_atomically(folder / "empty.png", ""));
  MIEN_EXPECT_CODE(load(folder / "empty.png"), StatusCode::kCorrupt);
}

TEST(DecodeDamage, MissingFile) {
  const mien::test::TempDir folder;
  MIEN_EXPECT_CODE(load(folder / "none.png"), StatusCode::kNotFound);
}

TEST(DecodeDamage, FolderInsteadOfAFile) {
  const mien::test::TempDir folder;
  MIEN_EXPECT_CODE(load(folder.path()), StatusCode::kInvalidArgument);
}

TEST(DecodeDamage, UnreadableFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const mien::test::TempDir folder;
  MIEN_ASSERT_OK(write_file_atomically(folder / "secret.png", "x"));
  std::filesystem::permissions(folder / "secret.png", std::filesystem::perms::none);
  MIEN_EXPECT_CODE(load(folder / "secret.png"), StatusCode::kIo);
}

}  // namespace
}  // namespace mien::image
