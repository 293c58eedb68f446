#pragma once

#include <png.h>

#include <csetjmp>

namespace mien::image {

// Where libpng's error callback stores its message before it jumps.
struct PngError {
  std::jmp_buf jump{};
  char message[128] = {};
};

extern "C" {
[[noreturn]] void mien_png_on_error(png_structp png, png_const_charp message);
void mien_png_on_warning(png_structp png, png_const_charp message);
}

}  // namespace mien::image
