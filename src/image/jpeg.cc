// jpeglib.h needs size_t and FILE before it.
#include <cstddef>
#include <cstdio>

#include <fmt/format.h>
#include <jpeglib.h>

#include <jerror.h>

#include <algorithm>
#include <csetjmp>
#include <string>
#include <utility>
#include <vector>

#include "image/codec.h"
#include "image/exif.h"

namespace mien::image {
namespace {

// A hostile progressive file can ask for thousands of passes over a large picture.
constexpr int kMaxScans = 100;

// A coded block takes at least one bit. The sparsest layout (two components with crossed sampling
// factors of 4) has 8 blocks for 32x32 pixels.
constexpr std::uint64_t kMaxPixelsPerByte = 1024;

struct ErrorState {
  jpeg_error_mgr manager{};  // first member: libjpeg hands back a pointer to it
  std::jmp_buf jump{};
  int code = 0;
  bool too_many_scans = false;
  bool data_ended = false;     // the decoder needed bits that were missing
  bool end_not_found = false;  // no end-of-image marker
  char message[JMSG_LENGTH_MAX] = {};
};

ErrorState* state_of(j_common_ptr info) { return reinterpret_cast<ErrorState*>(info->err); }

extern "C" {
[[noreturn]] static void on_error(j_common_ptr info) {
  ErrorState* state = state_of(info);
  state->code = info->err->msg_code;
  info->err->format_message(info, state->message);
  std::longjmp(state->jump, 1);
}

static void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;  // traces
  ErrorState* state = state_of(info);
  if (info->err->msg_code == JWRN_HIT_MARKER) state->data_ended = true;
  if (info->err->msg_code == JWRN_JPEG_EOF) state->end_not_found = true;
}

static void on_output(j_common_ptr) {}

static void on_progress(j_common_ptr info) {
  if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMaxScans) return;
  ErrorState* state = state_of(info);
  state->too_many_scans = true;
  std::longjmp(state->jump, 1);
}
}

// Drives libjpeg. Each step has its own setjmp, and no object with a destructor lives between it
// and the longjmp. A step returns false when libjpeg gave up.
class JpegReader {
 public:
  JpegReader() {
    info_.err = jpeg_std_error(&error_.manager);
    error_.manager.error_exit = on_error;
    error_.manager.emit_message = on_message;
    error_.manager.output_message = on_output;
    progress_.progress_monitor = on_progress;
  }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
  ~JpegReader() { jpeg_destroy_decompress(&info_); }

  bool read_header(Bytes bytes) {
    if (setjmp(error_.jump) != 0) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xFFFF);
    jpeg_mem_src(&info_, as_u8(bytes), bytes.size());
    jpeg_read_header(&info_, TRUE);
    return true;
  }

  // At 1 / `part` of the size.
  bool start(unsigned part) {
    if (setjmp(error_.jump) != 0) return false;
    info_.scale_num = 1;
    info_.scale_denom = part;
    info_.out_color_space = info_.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info_);
    return true;
  }

  bool read_row(std::uint8_t* row) {
    if (setjmp(error_.jump) != 0) return false;
    jpeg_read_scanlines(&info_, &row, 1);
    return true;
  }

  const jpeg_decompress_struct& info() const { return info_; }

  // The reason why a step returned false.
  Status problem() const {
    if (error_.too_many_scans) {
      return resource_limit(
          fmt::format("JPEG has too many scans (expected at most {})", kMaxScans));
    }
    switch (error_.code) {
      case JERR_BAD_PRECISION:
      case JERR_SOF_UNSUPPORTED:
      case JERR_ARITH_NOTIMPL:
      case JERR_CONVERSION_NOTIMPL:
      case JERR_FRACT_SAMPLE_NOTIMPL:
      case JERR_CCIR601_NOTIMPL: return unsupported(fmt::format("JPEG: {}", error_.message));
      case JERR_OUT_OF_MEMORY: return resource_limit(fmt::format("JPEG: {}", error_.message));
      default: return corrupt(fmt::format("JPEG is damaged ({})", error_.message));
    }
  }

  // True when the data ended before the whole picture was decoded. A missing end marker alone is
  // accepted.
  bool cut_off() const {
    if (error_.data_ended) return true;
    if (!error_.end_not_found || info_.input_scan_number == 0) return false;
    if (info_.coef_bits == nullptr) return info_.comps_in_scan != info_.num_components;
    for (int component = 0; component < info_.num_components; ++component) {
      for (int k = 0; k < DCTSIZE2; ++k) {
        if (info_.coef_bits[component][k] != 0) return true;
      }
    }
    return false;
  }

  int orientation() const {
    for (const jpeg_marker_struct* marker = info_.marker_list; marker; marker = marker->next) {
      const Bytes data(reinterpret_cast<const std::byte*>(marker->data), marker->data_length);
      if (data.size() >= 4 &&
          std::string_view(reinterpret_cast<const char*>(data.data()), 4) == "Exif") {
        return exif_orientation(data);
      }
    }
    return 1;
  }

 private:
  ErrorState error_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct info_{};
};

// Adobe writes inks inverted (0 = full ink).
void cmyk_to_rgb(const std::uint8_t* cmyk, std::uint8_t* rgb, int width, bool inverted) {
  const unsigned flip = inverted ? 0 : 255;
  for (int x = 0; x < width; ++x, cmyk += 4, rgb += 3) {
    const unsigned light = cmyk[3] ^ flip;
    for (int c = 0; c < 3; ++c) {
      const unsigned ink = 255U - (cmyk[c] ^ flip);
      rgb[c] = static_cast<std::uint8_t>(light - mul_div_255(ink, light));
    }
  }
}

// The largest reduction that libjpeg has fast code for.
unsigned part_for(double width, double height, const Enough& enough) {
  if (enough.pixels <= 0) return 1;
  for (const unsigned part : {8U, 4U, 2U}) {
    const double w = width / part, h = height / part;
    if (w * h >= enough.pixels && std::min(w, h) >= enough.side) return part;
  }
  return 1;
}

// The smallest reduction within the limits. Errors: kResourceLimit when there is none.
Result<unsigned> part_within(unsigned width, unsigned height, const Limits& limits,
                             const Enough& enough) {
  Status whole = check_picture_size(width, height, limits);
  if (whole.ok()) return 1U;
  const bool may = enough.beyond_limits && std::uint64_t{width} * height <= kMostReducedPixels;
  for (const unsigned part : {2U, 4U, 8U}) {
    const auto side = [part](unsigned whole_side) { return (whole_side + part - 1) / part; };
    if (may && check_picture_size(side(width), side(height), limits).ok()) return part;
  }
  return whole;
}

}  // namespace

Result<Reduced> decode_jpeg(Bytes bytes, const Limits& limits, const Enough& enough) {
  JpegReader reader;
  if (!reader.read_header(bytes)) return reader.problem();
  const jpeg_decompress_struct& info = reader.info();
  MIEN_ASSIGN_OR_RETURN(const unsigned least,
                        part_within(info.image_width, info.image_height, limits, enough));
  if (info.arith_code == FALSE) {
    const std::uint64_t pixels = std::uint64_t{info.image_width} * info.image_height;
    MIEN_RETURN_IF_ERROR(
        check_enough_bytes(bytes.size(), pixels / kMaxPixelsPerByte,
                           fmt::format("{}x{} JPEG", info.image_width, info.image_height)));
  }
  const unsigned part = std::max(least, part_for(info.image_width, info.image_height, enough));
  if (!reader.start(part)) return reader.problem();
  const int width = static_cast<int>(info.output_width);
  const int height = static_cast<int>(info.output_height);
  Image image(width, height);
  const bool cmyk = info.out_color_space == JCS_CMYK;
  std::vector<std::uint8_t> inks(cmyk ? std::size_t{4} * info.output_width : 0);
  for (int y = 0; y < height; ++y) {
    if (!reader.read_row(cmyk ? inks.data() : image.row(y))) return reader.problem();
    if (cmyk) cmyk_to_rgb(inks.data(), image.row(y), width, info.saw_Adobe_marker != FALSE);
    if (reader.cut_off()) {
      return corrupt(fmt::format("{}x{} JPEG is truncated (expected {} rows, got {})", width,
                                 height, height, y));
    }
  }
  const int orientation = reader.orientation();
  Reduced out{.image = orient(std::move(image), orientation),
              .width = static_cast<int>(info.image_width),
              .height = static_cast<int>(info.image_height)};
  if (swaps_sides(orientation)) std::swap(out.width, out.height);
  return out;
}

}  // namespace mien::image
