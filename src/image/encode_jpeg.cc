// jpeglib.h needs size_t and FILE before it.
#include <cstddef>
#include <cstdio>

#include <fmt/format.h>
#include <jpeglib.h>

#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <vector>

#include "mien/image/decode.h"

namespace mien::image {
namespace {

struct WriterError {
  jpeg_error_mgr manager{};  // first member: libjpeg hands back a pointer to it
  std::jmp_buf jump{};
  char message[JMSG_LENGTH_MAX] = {};
};

extern "C" {
[[noreturn]] static void on_write_error(j_common_ptr info) {
  auto* error = reinterpret_cast<WriterError*>(info->err);
  info->err->format_message(info, error->message);
  std::longjmp(error->jump, 1);
}
static void on_write_message(j_common_ptr) {}
}

// Nothing with a destructor lives between setjmp and longjmp.
class JpegWriter {
 public:
  JpegWriter() {
    info_.err = jpeg_std_error(&error_.manager);
    error_.manager.error_exit = on_write_error;
    error_.manager.output_message = on_write_message;
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
  ~JpegWriter() {
    jpeg_destroy_compress(&info_);
    std::free(bytes_);
  }

  bool write(const ImageView& image, int quality) {
    if (setjmp(error_.jump) != 0) return false;
    jpeg_create_compress(&info_);
    jpeg_mem_dest(&info_, &bytes_, &size_);
    info_.image_width = static_cast<JDIMENSION>(image.width);
    info_.image_height = static_cast<JDIMENSION>(image.height);
    info_.input_components = 3;
    info_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&info_);
    info_.dct_method = JDCT_ISLOW;
    jpeg_set_quality(&info_, quality, TRUE);
    jpeg_start_compress(&info_, TRUE);
    for (int y = 0; y < image.height; ++y) {
      JSAMPROW row = const_cast<JSAMPROW>(image.row(y));  // libjpeg only reads it
      jpeg_write_scanlines(&info_, &row, 1);
    }
    jpeg_finish_compress(&info_);
    return true;
  }

  std::vector<std::byte> bytes() const {
    const auto* first = reinterpret_cast<const std::byte*>(bytes_);
    return {first, first + size_};
  }
  const char* message() const { return error_.message; }

 private:
  WriterError error_;
  jpeg_compress_struct info_{};
  unsigned char* bytes_ = nullptr;
  unsigned long size_ = 0;
};

}  // namespace

Result<std::vector<std::byte>> encode_jpeg(ImageView image, int quality) {
  if (image.empty() || quality < 1 || quality > 100) {
    return invalid_argument(fmt::format(
        "picture: {}x{} at quality {} cannot be written (expected pixels, and a quality of 1..100)",
        image.width, image.height, quality));
  }
  JpegWriter writer;
  if (!writer.write(image, quality)) {
    return internal_error(fmt::format("picture: JPEG cannot be written ({})", writer.message()));
  }
  return writer.bytes();
}

}  // namespace mien::image
