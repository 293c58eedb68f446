#include <fmt/format.h>
#include <png.h>

#include <vector>

#include "image/png_error.h"
#include "mien/image/decode.h"

namespace mien::image {
namespace {

extern "C" {
static void on_write(png_structp png, png_bytep data, std::size_t size) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* first = reinterpret_cast<const std::byte*>(data);
  out->insert(out->end(), first, first + size);
}
static void on_flush(png_structp) {}
}

class PngWriter {
 public:
  PngWriter() = default;
  PngWriter(const PngWriter&) = delete;
  PngWriter& operator=(const PngWriter&) = delete;
  ~PngWriter() { png_destroy_write_struct(&png_, &info_); }

  bool write(const ImageView& image, std::vector<std::byte>* out) {
    if (setjmp(error_.jump) != 0) return false;
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error_, mien_png_on_error,
                                   mien_png_on_warning);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    png_set_write_fn(png_, out, on_write, on_flush);
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(image.width),
                 static_cast<png_uint_32>(image.height), 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (int y = 0; y < image.height; ++y) png_write_row(png_, image.row(y));
    png_write_end(png_, info_);
    return true;
  }

  const char* message() const { return error_.message; }

 private:
  PngError error_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace

Result<std::vector<std::byte>> encode_png(ImageView image) {
  if (image.empty()) {
    return invalid_argument(fmt::format("picture: {}x{} cannot be written (expected pixels)",
                                        image.width, image.height));
  }
  std::vector<std::byte> out;
  PngWriter writer;
  if (!writer.write(image, &out)) {
    return internal_error(fmt::format("picture: PNG cannot be written ({})", writer.message()));
  }
  return out;
}

}  // namespace mien::image
