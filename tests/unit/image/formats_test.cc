// TIFF, HEIC, AVIF and JPEG 2000, made here by the libraries that read them, and what is rejected.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libheif/heif.h>
#include <openjpeg.h>
#include <tiffio.h>

#include <cstdlib>
#include <fstream>
#include <string_view>

#include "core/file.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::image {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using ::testing::HasSubstr;

class Formats : public testing::Test {
 protected:
  static constexpr int kWidth = 64;
  static constexpr int kHeight = 48;

  // Four flat quarters: red, green, blue, grey.
  static void colour_at(int x, int y, std::uint8_t* out) {
    static constexpr std::uint8_t kColours[4][3] = {
        {200, 40, 40}, {40, 180, 60}, {50, 60, 190}, {120, 120, 120}};
    const int place = (y >= kHeight / 2 ? 2 : 0) + (x >= kWidth / 2 ? 1 : 0);
    for (int c = 0; c < 3; ++c) out[c] = kColours[place][c];
  }
  static std::vector<std::uint8_t> pixels() {
    std::vector<std::uint8_t> out(std::size_t{kWidth} * kHeight * 3);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) colour_at(x, y, &out[3 * (std::size_t{kWidth} * y + x)]);
    }
    return out;
  }
  static void expect_picture(const Image& image, int tolerance) {
    ASSERT_EQ(image.width(), kWidth);
    ASSERT_EQ(image.height(), kHeight);
    for (const auto& [x, y] : {std::pair{8, 8}, {50, 8}, {8, 40}, {50, 40}}) {
      std::uint8_t expected[3];
      colour_at(x, y, expected);
      for (int c = 0; c < 3; ++c) EXPECT_NEAR(image.row(y)[3 * x + c], expected[c], tolerance);
    }
  }

  struct TiffKind {
    int bits = 8;
    int compression = COMPRESSION_NONE;
    int orientation = ORIENTATION_TOPLEFT;
    int pages = 1;
    std::uint32_t subfile = 0;
  };
  std::filesystem::path tiff(const TiffKind& kind) {
    const auto path = dir_ / "a.tif";
    TIFF* file = TIFFOpen(path.c_str(), "w");
    for (int page = 0; page < kind.pages; ++page) {
      TIFFSetField(file, TIFFTAG_IMAGEWIDTH, kWidth);
      TIFFSetField(file, TIFFTAG_IMAGELENGTH, kHeight);
      TIFFSetField(file, TIFFTAG_SAMPLESPERPIXEL, 3);
      TIFFSetField(file, TIFFTAG_BITSPERSAMPLE, kind.bits);
      TIFFSetField(file, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_RGB);
      TIFFSetField(file, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
      TIFFSetField(file, TIFFTAG_COMPRESSION, kind.compression);
      TIFFSetField(file, TIFFTAG_ORIENTATION, kind.orientation);
      if (kind.subfile != 0) TIFFSetField(file, TIFFTAG_SUBFILETYPE, kind.subfile);
      const auto all = pixels();
      for (int y = 0; y < kHeight; ++y) {
        std::vector<std::uint8_t> row(std::size_t{kWidth} * 3 * (kind.bits / 8));
        for (std::size_t i = 0; i < std::size_t{kWidth} * 3; ++i) {
          const std::uint8_t value = all[std::size_t{kWidth} * 3 * static_cast<std::size_t>(y) + i];
          for (int b = 0; b < kind.bits / 8; ++b) row[i * (kind.bits / 8) + b] = value;
        }
        EXPECT_EQ(TIFFWriteScanline(file, row.data(), static_cast<std::uint32_t>(y)), 1);
      }
      TIFFWriteDirectory(file);
    }
    TIFFClose(file);
    return path;
  }

  // False when this libheif has no encoder for it.
  bool heif(heif_compression_format format, const std::filesystem::path& path) {
    heif_context* context = heif_context_alloc();
    heif_encoder* encoder = nullptr;
    bool made =
        heif_context_get_encoder_for_format(context, format, &encoder).code == heif_error_Ok;
    if (made) {
      heif_image* image = nullptr;
      heif_image_create(kWidth, kHeight, heif_colorspace_RGB, heif_chroma_interleaved_RGB, &image);
      heif_image_add_plane(image, heif_channel_interleaved, kWidth, kHeight, 8);
      int stride = 0;
      std::uint8_t* plane = heif_image_get_plane(image, heif_channel_interleaved, &stride);
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) colour_at(x, y, plane + y * stride + 3 * x);
      }
      heif_encoder_set_lossy_quality(encoder, 95);
      made = heif_context_encode_image(context, image, encoder, nullptr, nullptr).code ==
                 heif_error_Ok &&
             heif_context_write_to_file(context, path.c_str()).code == heif_error_Ok;
      heif_image_release(image);
      heif_encoder_release(encoder);
    }
    heif_context_free(context);
    return made;
  }

  std::filesystem::path jpeg2000(int side_x = kWidth, int side_y = kHeight) {
    const auto path = dir_ / "a.jp2";
    opj_image_cmptparm_t parameters[3] = {};
    for (auto& p : parameters) {
      p.dx = p.dy = 1;
      p.w = static_cast<OPJ_UINT32>(side_x);
      p.h = static_cast<OPJ_UINT32>(side_y);
      p.prec = 8;
    }
    opj_image_t* image = opj_image_create(3, parameters, OPJ_CLRSPC_SRGB);
    image->x1 = static_cast<OPJ_UINT32>(side_x);
    image->y1 = static_cast<OPJ_UINT32>(side_y);
    for (int y = 0; y < side_y; ++y) {
      for (int x = 0; x < side_x; ++x) {
        std::uint8_t rgb[3];
        colour_at(x * kWidth / side_x, y * kHeight / side_y, rgb);
        for (int c = 0; c < 3; ++c) image->comps[c].data[y * side_x + x] = rgb[c];
      }
    }
    opj_cparameters_t encoding;
    opj_set_default_encoder_parameters(&encoding);
    encoding.tcp_numlayers = 1;
    encoding.cp_disto_alloc = 1;
    opj_codec_t* codec = opj_create_compress(OPJ_CODEC_JP2);
    EXPECT_TRUE(opj_setup_encoder(codec, &encoding, image));
    opj_stream_t* stream = opj_stream_create_default_file_stream(path.c_str(), OPJ_FALSE);
    EXPECT_TRUE(opj_start_compress(codec, image, stream) && opj_encode(codec, stream) &&
                opj_end_compress(codec, stream));
    opj_stream_destroy(stream);
    opj_destroy_codec(codec);
    opj_image_destroy(image);
    return path;
  }

  std::vector<std::byte> bytes_of(const std::filesystem::path& path) {
    return read_file(path, 1 << 24).value();
  }
  /// Every cut is an error, never a picture that is half grey.
  void expect_cuts_are_corrupt(const std::filesystem::path& path) {
    const auto bytes = bytes_of(path);
    for (const double share : {0.05, 0.3, 0.6, 0.9}) {
      const auto cut = std::span(bytes).first(
          static_cast<std::size_t>(share * static_cast<double>(bytes.size())));
      MIEN_EXPECT_CODE(decode(cut), StatusCode::kCorrupt) << share;
    }
  }

  test::TempDir dir_;
};

TEST_F(Formats, Tiff) {
  for (const int bits : {8, 16}) {
    for (const int compression : {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
      const auto path = tiff({.bits = bits, .compression = compression});
      EXPECT_EQ(sniff(bytes_of(path)), Format::kTiff);
      const auto picture = load(path);
      MIEN_ASSERT_OK(picture);
      expect_picture(*picture, 0);
    }
  }
  expect_cuts_are_corrupt(tiff({.compression = COMPRESSION_NONE}));
}

TEST_F(Formats, TiffIsTurnedUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const auto picture = load(tiff({.orientation = orientation}));
    MIEN_ASSERT_OK(picture);
    EXPECT_EQ(picture->width(), orientation >= 5 ? kHeight : kWidth) << orientation;
    // Where the red quarter ends up.
    const bool right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    const bool below = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
    const int x = right ? picture->width() - 5 : 4, y = below ? picture->height() - 5 : 4;
    EXPECT_EQ(picture->row(y)[3 * x], 200) << orientation;
    EXPECT_EQ(picture->row(y)[3 * x + 1], 40) << orientation;
  }
}

TEST_F(Formats, TiffWithMoreThanOnePicture) {
  EXPECT_THAT(test::problem_of(load(tiff({.pages = 3}))), HasSubstr("has 3 pages"));
  EXPECT_THAT(test::problem_of(load(tiff({.subfile = FILETYPE_REDUCEDIMAGE}))),
              HasSubstr("a camera's raw file"));
}

TEST_F(Formats, HeicAndAvif) {
  int made = 0;
  for (const auto format : {heif_compression_HEVC, heif_compression_AV1}) {
    const auto path = dir_ / (format == heif_compression_AV1 ? "a.avif" : "a.heic");
    if (!heif(format, path)) continue;
    ++made;
    EXPECT_EQ(sniff(bytes_of(path)), Format::kHeif);
    const auto picture = load(path);
    MIEN_ASSERT_OK(picture);
    expect_picture(*picture, 12);
    expect_cuts_are_corrupt(path);
    Limits small;
    small.max_pixels = 1000;
    MIEN_EXPECT_CODE(load(path, small), StatusCode::kResourceLimit);
  }
  if (made == 0) GTEST_SKIP() << "this libheif has no encoder";
}

TEST_F(Formats, Jpeg2000) {
  const auto path = jpeg2000();
  EXPECT_EQ(sniff(bytes_of(path)), Format::kJpeg2000);
  const auto picture = load(path);
  MIEN_ASSERT_OK(picture);
  expect_picture(*picture, 2);
  expect_cuts_are_corrupt(path);
}

TEST_F(Formats, BeyondTheLimitsAtAReducedSize) {
  Limits limits;
  limits.max_pixels = 640 * 480 / 4;
  const auto two_thousand = jpeg2000(640, 480);
  MIEN_EXPECT_CODE(load(two_thousand, limits), StatusCode::kResourceLimit);
  MIEN_EXPECT_CODE(load_reduced(two_thousand, {}, limits), StatusCode::kResourceLimit);
  Image large(640, 480);
  const auto jpeg = *encode_jpeg(large.view(), 80);
  std::ofstream(dir_ / "a.jpg", std::ios::binary)
      .write(reinterpret_cast<const char*>(jpeg.data()), std::ssize(jpeg));
  MIEN_EXPECT_CODE(load_reduced(dir_ / "a.jpg", {.pixels = 1e9}, limits),
                   StatusCode::kResourceLimit);
  for (const auto& path : {two_thousand, dir_ / "a.jpg"}) {
    const auto picture = load_reduced(path, {.beyond_limits = true}, limits);
    MIEN_ASSERT_OK(picture);
    EXPECT_EQ(picture->image.width(), 320);
    EXPECT_EQ(picture->image.height(), 240);
    EXPECT_EQ(picture->width, 640);
    EXPECT_EQ(picture->height, 480);
  }
  limits.max_pixels = 100;  // no reduction is small enough
  MIEN_EXPECT_CODE(load_reduced(dir_ / "a.jpg", {.beyond_limits = true}, limits),
                   StatusCode::kResourceLimit);
}

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(UnreadFormats, AreNamed) {
  const struct {
    std::string_view head;
    const char* name;
  } cases[] = {{"\xFF\x0A rest of it"sv, "a JPEG XL picture"},
               {"\0\0\0\x0CJXL \r\n\x87\n"sv, "a JPEG XL picture"},
               {"8BPS\0\1"sv, "a Photoshop document"},
               {"II*\0\x10\0\0\0CR\2\0"sv, "a camera's raw file"},
               {"%PDF-1.4"sv, "a PDF document"}};
  for (const auto& c : cases) {
    EXPECT_EQ(sniff(bytes(c.head)), Format::kUnknown);
    EXPECT_EQ(unread_format(bytes(c.head)), c.name);
    EXPECT_THAT(test::problem_of(decode(bytes(c.head))), HasSubstr(c.name));
    EXPECT_THAT(test::problem_of(decode(bytes(c.head))), HasSubstr("convert it"));
  }
  EXPECT_EQ(unread_format(bytes("plain text")), "");
  EXPECT_EQ(unread_format({}), "");
}

TEST(IsAnimated, ReadsTheChunksBeforeThePixels) {
  const std::string head = "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR0123456789abcCRC."s;
  const std::string data = "\0\0\0\0IDATCRC."s;
  const auto animation = [](char frames) {
    return "\0\0\0\x08"s + "acTL\0\0\0"s + frames + "\0\0\0\0CRC."s;
  };
  EXPECT_TRUE(is_animated(bytes(head + animation(24) + data)));
  EXPECT_FALSE(is_animated(bytes(head + animation(1) + data)));
  EXPECT_FALSE(is_animated(bytes(head + data + animation(24))));
  EXPECT_FALSE(is_animated(bytes(head + data)));
  EXPECT_FALSE(is_animated(bytes(head + "\xFF\xFF\xFF\xFFtEXt0123"s)));
  EXPECT_FALSE(is_animated(bytes(head)));
  EXPECT_FALSE(is_animated(bytes("GIF89a")));
}

}  // namespace
}  // namespace mien::image
