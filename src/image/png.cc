#include <fmt/format.h>
#include <png.h>

#include <cstdio>
#include <cstring>

#include "image/codec.h"
#include "image/exif.h"
#include "image/png_error.h"

namespace mien::image {

extern "C" {
void mien_png_on_error(png_structp png, png_const_charp message) {
  auto* error = static_cast<PngError*>(png_get_error_ptr(png));
  std::snprintf(error->message, sizeof error->message, "%s", message);
  std::longjmp(error->jump, 1);
}

void mien_png_on_warning(png_structp, png_const_charp) {}
}

namespace {

constexpr std::size_t kSignatureSize = 8;
constexpr std::size_t kHeaderEnd = 33;                 // signature + IHDR chunk
constexpr std::uint64_t kMaxInflateRatio = 1032;       // of the deflate format
constexpr png_alloc_size_t kMaxChunkBytes = 8U << 20;  // ancillary chunks
constexpr png_uint_32 kMaxChunks = 1000;               // kept ancillary chunks

struct Source {
  Bytes bytes;
  std::size_t position = 0;
};

extern "C" {
static void on_read(png_structp png, png_bytep out, std::size_t size) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (size > source->bytes.size() - source->position) png_error(png, "data ends early");
  std::memcpy(out, source->bytes.data() + source->position, size);
  source->position += size;
}
}

// Drives libpng. Each step has its own setjmp, and no object with a destructor lives between it and
// the longjmp. A step returns false when libpng gave up.
class PngReader {
 public:
  explicit PngReader(Bytes bytes) : source_{bytes} {}
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
  ~PngReader() { png_destroy_read_struct(&png_, &info_, nullptr); }

  bool read_header(const Limits& limits) {
    if (setjmp(error_.jump) != 0) return false;
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error_, mien_png_on_error,
                                  mien_png_on_warning);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_read_fn(png_, &source_, on_read);
    png_set_user_limits(png_, limits.max_dimension, limits.max_dimension);
    png_set_chunk_cache_max(png_, kMaxChunks);
    png_set_chunk_malloc_max(png_, kMaxChunkBytes);
    png_read_info(png_, info_);
    return true;
  }

  // Requests 8-bit RGB, whatever is stored.
  bool start() {
    if (setjmp(error_.jump) != 0) return false;
    const bool transparent = (png_get_color_type(png_, info_) & PNG_COLOR_MASK_ALPHA) != 0 ||
                             png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
    png_set_expand(png_);
    png_set_scale_16(png_);
    png_set_gray_to_rgb(png_);
    if (transparent) {
      const png_color_16 black{};
      png_set_background(png_, &black, PNG_BACKGROUND_GAMMA_SCREEN, 0, 1.0);
    }
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }

  bool read_rows(std::uint8_t* pixels, std::size_t stride, std::uint32_t height) {
    if (setjmp(error_.jump) != 0) return false;
    for (int pass = 0; pass < passes_; ++pass) {
      for (std::uint32_t y = 0; y < height; ++y) png_read_row(png_, pixels + y * stride, nullptr);
    }
    return true;
  }

  std::uint64_t stored_row_bytes() const {
    return (std::uint64_t{width()} * png_get_bit_depth(png_, info_) *
                png_get_channels(png_, info_) +
            7) /
           8;
  }
  std::uint32_t width() const { return png_get_image_width(png_, info_); }
  std::uint32_t height() const { return png_get_image_height(png_, info_); }
  std::uint64_t row_bytes() const { return png_get_rowbytes(png_, info_); }

  Status problem() const {
    return corrupt(fmt::format("PNG is damaged ({})",
                               error_.message[0] == '\0' ? "out of memory" : error_.message));
  }

  int orientation() const {
    png_uint_32 size = 0;
    png_bytep data = nullptr;
    if (png_get_eXIf_1(png_, info_, &size, &data) == 0 || data == nullptr) return 1;
    return exif_orientation(Bytes(reinterpret_cast<const std::byte*>(data), size));
  }

 private:
  PngError error_;
  Source source_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  int passes_ = 1;
};

}  // namespace

Result<Image> decode_png(Bytes bytes, const Limits& limits) {
  MIEN_RETURN_IF_ERROR(check_enough_bytes(bytes.size(), kHeaderEnd, "PNG"));
  // IHDR comes first: checking the sides before libpng does gives a better message.
  const std::uint8_t* header = as_u8(bytes) + kSignatureSize;
  if (std::memcmp(header + 4, "IHDR", 4) != 0) {
    return corrupt("PNG is damaged (expected IHDR as the first chunk)");
  }
  MIEN_RETURN_IF_ERROR(
      check_picture_size(png_get_uint_32(header + 8), png_get_uint_32(header + 12), limits));

  PngReader reader(bytes);
  if (!reader.read_header(limits)) return reader.problem();
  MIEN_RETURN_IF_ERROR(check_enough_bytes(
      bytes.size(), reader.stored_row_bytes() * reader.height() / kMaxInflateRatio,
      fmt::format("{}x{} PNG", reader.width(), reader.height())));
  if (!reader.start()) return reader.problem();
  if (reader.row_bytes() != std::uint64_t{3} * reader.width()) {
    return internal_error("PNG: libpng offers no 8-bit RGB rows");
  }
  Image image(static_cast<int>(reader.width()), static_cast<int>(reader.height()));
  if (!reader.read_rows(image.row(0), reader.row_bytes(), reader.height())) {
    return reader.problem();
  }
  return orient(std::move(image), reader.orientation());
}

}  // namespace mien::image
