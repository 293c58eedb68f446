#include <fmt/format.h>
#include <libheif/heif.h>

#include <algorithm>
#include <memory>
#include <string>

#include "image/codec.h"

namespace mien::image {
namespace {

struct ContextDeleter {
  void operator()(heif_context* context) const { heif_context_free(context); }
};
struct HandleDeleter {
  void operator()(heif_image_handle* handle) const { heif_image_handle_release(handle); }
};
struct ImageDeleter {
  void operator()(heif_image* image) const { heif_image_release(image); }
};
struct OptionsDeleter {
  void operator()(heif_decoding_options* options) const { heif_decoding_options_free(options); }
};

Status heif_problem(const heif_error& error) {
  std::string what = error.message != nullptr ? error.message : "unknown problem";
  while (!what.empty() && what.back() == '\n') what.pop_back();
  switch (error.code) {
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
    case heif_error_Plugin_loading_error:
    case heif_error_Color_profile_does_not_exist: return unsupported(fmt::format("HEIF: {}", what));
    case heif_error_Memory_allocation_error: return resource_limit(fmt::format("HEIF: {}", what));
    default: break;
  }
  if (error.subcode == heif_suberror_Unsupported_codec) {
    return unsupported(
        fmt::format("HEIF: {} (this libheif has no decoder for it; libde265 decodes HEIC, libdav1d "
                    "or libaom AVIF)",
                    what));
  }
  return corrupt(fmt::format("HEIF is damaged or truncated ({})", what));
}

}  // namespace

// libheif already turns the picture upright; the EXIF orientation must not be applied again.
Result<Image> decode_heif(Bytes bytes, const Limits& limits) {
  const std::unique_ptr<heif_context, ContextDeleter> context(heif_context_alloc());
  if (context == nullptr) return resource_limit("HEIF: out of memory");
  heif_context_set_maximum_image_size_limit(context.get(), static_cast<int>(limits.max_dimension));
  heif_context_set_max_decoding_threads(context.get(), 0);
  heif_error error = heif_context_read_from_memory_without_copy(context.get(), bytes.data(),
                                                                bytes.size(), nullptr);
  if (error.code != heif_error_Ok) return heif_problem(error);
  heif_image_handle* raw_handle = nullptr;
  error = heif_context_get_primary_image_handle(context.get(), &raw_handle);
  const std::unique_ptr<heif_image_handle, HandleDeleter> handle(raw_handle);
  if (error.code != heif_error_Ok) return heif_problem(error);
  const int width = heif_image_handle_get_width(handle.get());
  const int height = heif_image_handle_get_height(handle.get());
  if (width <= 0 || height <= 0) return corrupt("HEIF has no pixels");
  MIEN_RETURN_IF_ERROR(check_picture_size(static_cast<std::uint64_t>(width),
                                          static_cast<std::uint64_t>(height), limits));

  const bool alpha = heif_image_handle_has_alpha_channel(handle.get()) != 0;
  const std::unique_ptr<heif_decoding_options, OptionsDeleter> options(
      heif_decoding_options_alloc());
  if (options == nullptr) return resource_limit("HEIF: out of memory");
  options->convert_hdr_to_8bit = 1;
  heif_image* raw_image = nullptr;
  error = heif_decode_image(handle.get(), &raw_image, heif_colorspace_RGB,
                            alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                            options.get());
  const std::unique_ptr<heif_image, ImageDeleter> decoded(raw_image);
  if (error.code != heif_error_Ok) return heif_problem(error);
  int stride = 0;
  const std::uint8_t* pixels =
      heif_image_get_plane_readonly(decoded.get(), heif_channel_interleaved, &stride);
  if (pixels == nullptr || heif_image_get_width(decoded.get(), heif_channel_interleaved) != width ||
      heif_image_get_height(decoded.get(), heif_channel_interleaved) != height) {
    return corrupt("HEIF: the decoded size is not that of its header");
  }
  Image out(width, height);
  for (int y = 0; y < height; ++y) {
    const std::uint8_t* row = pixels + std::ptrdiff_t{y} * stride;
    if (alpha) {
      compose_over_black(row, out.row(y), static_cast<std::size_t>(width));
    } else {
      std::copy_n(row, std::size_t{3} * static_cast<std::size_t>(width), out.row(y));
    }
  }
  return out;
}

}  // namespace mien::image
