#include <fmt/format.h>
#include <openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "image/codec.h"

namespace mien::image {
namespace {

// An empty code block costs almost nothing; the limits on pixels are what matters.
constexpr std::uint64_t kMaxPixelsPerByte = 1 << 16;

struct Memory {
  Bytes bytes;
  std::size_t position = 0;
};

extern "C" {
static OPJ_SIZE_T read_memory(void* out, OPJ_SIZE_T count, void* data) {
  auto& memory = *static_cast<Memory*>(data);
  const std::size_t n = std::min<std::size_t>(count, memory.bytes.size() - memory.position);
  if (n == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(out, memory.bytes.data() + memory.position, n);
  memory.position += n;
  return n;
}
static OPJ_OFF_T skip_memory(OPJ_OFF_T count, void* data) {
  auto& memory = *static_cast<Memory*>(data);
  if (count < 0) return -1;
  const auto left = static_cast<OPJ_OFF_T>(memory.bytes.size() - memory.position);
  const OPJ_OFF_T n = std::min(count, left);
  memory.position += static_cast<std::size_t>(n);
  return n > 0 || count == 0 ? n : -1;
}
static OPJ_BOOL seek_memory(OPJ_OFF_T position, void* data) {
  auto& memory = *static_cast<Memory*>(data);
  if (position < 0 || static_cast<std::size_t>(position) > memory.bytes.size()) return OPJ_FALSE;
  memory.position = static_cast<std::size_t>(position);
  return OPJ_TRUE;
}
static void keep_message(const char* message, void* data) {
  auto& problem = *static_cast<std::string*>(data);
  if (!problem.empty()) return;
  problem = message;
  while (!problem.empty() && problem.back() == '\n') problem.pop_back();
}
static void drop_message(const char*, void*) {}
}

struct StreamDeleter {
  void operator()(opj_stream_t* stream) const { opj_stream_destroy(stream); }
};
struct CodecDeleter {
  void operator()(opj_codec_t* codec) const { opj_destroy_codec(codec); }
};
struct ImageDeleter {
  void operator()(opj_image_t* image) const { opj_image_destroy(image); }
};
using ImagePtr = std::unique_ptr<opj_image_t, ImageDeleter>;

// Samples of one component as bytes, at full size.
class Channel {
 public:
  Channel(const opj_image_comp_t& component, const opj_image_comp_t& first)
      : component_(component),
        step_x_(std::max(1U, component.dx / std::max(1U, first.dx))),
        step_y_(std::max(1U, component.dy / std::max(1U, first.dy))) {}

  int at(unsigned x, unsigned y) const {
    const unsigned u = std::min(x / step_x_, component_.w - 1);
    const unsigned v = std::min(y / step_y_, component_.h - 1);
    std::int64_t value = component_.data[std::size_t{v} * component_.w + u];
    if (component_.sgnd != 0) value += std::int64_t{1} << (component_.prec - 1);
    const std::int64_t most = (std::int64_t{1} << component_.prec) - 1;
    return static_cast<int>((std::clamp<std::int64_t>(value, 0, most) * 255 + most / 2) / most);
  }

 private:
  const opj_image_comp_t& component_;
  unsigned step_x_;
  unsigned step_y_;
};

std::uint8_t to_byte(double value) {
  return static_cast<std::uint8_t>(std::clamp(value + 0.5, 0.0, 255.0));
}

Result<Image> to_rgb(const opj_image_t& decoded) {
  const opj_image_comp_t& first = decoded.comps[0];
  for (OPJ_UINT32 c = 0; c < decoded.numcomps; ++c) {
    const opj_image_comp_t& component = decoded.comps[c];
    if (component.data == nullptr || component.w == 0 || component.h == 0) {
      return corrupt("JPEG 2000 is damaged (a component has no samples)");
    }
    if (component.prec < 1 || component.prec > 32) return unsupported("JPEG 2000: odd bit depth");
  }
  if (decoded.color_space == OPJ_CLRSPC_CMYK || decoded.color_space == OPJ_CLRSPC_EYCC) {
    return unsupported("JPEG 2000: unsupported colour space (expected grey, RGB or YCC)");
  }
  const bool colour = decoded.numcomps >= 3;
  const bool ycc = decoded.color_space == OPJ_CLRSPC_SYCC;
  const std::size_t colours = colour ? 3 : 1;
  std::vector<Channel> channels;
  for (std::size_t c = 0; c < std::min<std::size_t>(decoded.numcomps, colours + 1); ++c) {
    channels.emplace_back(decoded.comps[c], first);
  }
  const bool alpha = channels.size() > colours && decoded.comps[colours].alpha != 0;
  Image out(static_cast<int>(first.w), static_cast<int>(first.h));
  for (unsigned y = 0; y < first.h; ++y) {
    std::uint8_t* to = out.row(static_cast<int>(y));
    for (unsigned x = 0; x < first.w; ++x, to += 3) {
      for (std::size_t c = 0; c < 3; ++c) {
        to[c] = static_cast<std::uint8_t>(channels[colour ? c : 0].at(x, y));
      }
      if (colour && ycc) {
        const double luma = to[0], blue = to[1] - 128.0, red = to[2] - 128.0;
        to[0] = to_byte(luma + 1.402 * red);
        to[1] = to_byte(luma - 0.344136 * blue - 0.714136 * red);
        to[2] = to_byte(luma + 1.772 * blue);
      }
      if (!alpha) continue;
      const auto cover = static_cast<unsigned>(channels[colours].at(x, y));
      for (std::size_t c = 0; c < 3; ++c) to[c] = mul_div_255(to[c], cover);
    }
  }
  return out;
}

/// One attempt, at 1 / 2^halvings of the size. Sides of `image` on the reference grid are whole.
Result<ImagePtr> decode_at(Bytes bytes, const Limits& limits, unsigned halvings) {
  Memory memory{bytes, 0};
  std::string problem;
  const auto damaged = [&] {
    return corrupt(fmt::format("JPEG 2000 is damaged or truncated{}",
                               problem.empty() ? "" : " (" + problem + ")"));
  };
  const bool codestream = as_u8(bytes)[0] == 0xFF;
  const std::unique_ptr<opj_codec_t, CodecDeleter> codec(
      opj_create_decompress(codestream ? OPJ_CODEC_J2K : OPJ_CODEC_JP2));
  const std::unique_ptr<opj_stream_t, StreamDeleter> stream(opj_stream_create(1 << 16, OPJ_TRUE));
  if (codec == nullptr || stream == nullptr) return resource_limit("JPEG 2000: out of memory");
  opj_stream_set_user_data(stream.get(), &memory, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), read_memory);
  opj_stream_set_skip_function(stream.get(), skip_memory);
  opj_stream_set_seek_function(stream.get(), seek_memory);
  opj_set_error_handler(codec.get(), keep_message, &problem);
  opj_set_warning_handler(codec.get(), drop_message, nullptr);
  opj_set_info_handler(codec.get(), drop_message, nullptr);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  parameters.cp_reduce = halvings;
  if (opj_setup_decoder(codec.get(), &parameters) == OPJ_FALSE) return damaged();
  opj_image_t* raw = nullptr;
  const bool header = opj_read_header(stream.get(), codec.get(), &raw) != OPJ_FALSE;
  ImagePtr image(raw);  // may be set even when reading the header failed
  if (!header || image == nullptr || image->numcomps < 1) return damaged();
  if (image->x1 <= image->x0 || image->y1 <= image->y0) return corrupt("JPEG 2000 has no pixels");
  const std::uint64_t width = image->x1 - image->x0, height = image->y1 - image->y0;
  MIEN_RETURN_IF_ERROR(
      check_picture_size(((width - 1) >> halvings) + 1, ((height - 1) >> halvings) + 1, limits));
  if (width * height > kMostReducedPixels) {
    return resource_limit(fmt::format("{}x{} picture is too large", width, height));
  }
  MIEN_RETURN_IF_ERROR(check_enough_bytes(bytes.size(), width * height / kMaxPixelsPerByte,
                                          fmt::format("{}x{} JPEG 2000", width, height)));
  if (opj_decode(codec.get(), stream.get(), image.get()) == OPJ_FALSE ||
      opj_end_decompress(codec.get(), stream.get()) == OPJ_FALSE) {
    return damaged();
  }
  return image;
}

}  // namespace

Result<Reduced> decode_jpeg2000(Bytes bytes, const Limits& limits, const Enough& enough) {
  // A picture beyond the limits is decoded at a half, a quarter, ...: its wavelets allow that.
  constexpr unsigned kMostHalvings = 4;
  for (unsigned halvings = 0;; ++halvings) {
    const auto decoded = decode_at(bytes, limits, halvings);
    if (!decoded.ok()) {
      const bool too_large = decoded.status().code() == StatusCode::kResourceLimit;
      if (too_large && enough.beyond_limits && halvings < kMostHalvings) continue;
      return decoded.status();
    }
    const opj_image_t& image = **decoded;
    MIEN_ASSIGN_OR_RETURN(Image rgb, to_rgb(image));
    int width = rgb.width(), height = rgb.height();
    if (halvings > 0) {
      width = static_cast<int>(image.x1 - image.x0);
      height = static_cast<int>(image.y1 - image.y0);
    }
    return Reduced{.image = std::move(rgb), .width = width, .height = height};
  }
}

}  // namespace mien::image
