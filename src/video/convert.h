#pragma once

#include <cstdint>
#include <optional>

#include "mien/core/limits.h"
#include "mien/core/status.h"
#include "mien/image/image.h"
#include "video/ffmpeg.h"
#include "video/tone_map.h"

namespace mien::video {

/// How a stored picture becomes upright: swap the axes first, then mirror.
struct Orientation {
  bool transpose = false;
  bool mirror_x = false;
  bool mirror_y = false;
  bool operator==(const Orientation&) const = default;
};
/// From the nine numbers of a display matrix (null: stored upright). Angles are rounded to quarter
/// turns.
Orientation orientation_of(const std::int32_t* matrix);

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;
};
/// The size with square pixels, before turning: the shorter side of a pixel is stretched; the
/// longer side is never shrunk. Ratios outside 1/4..4 or within 2 % of 1 count as square.
PictureSize displayed_size(int width, int height, AVRational pixel_aspect);
/// Errors: kCorrupt when empty, kResourceLimit.
Status check_size(PictureSize size, const Limits& limits, const std::string& name);

/// Most pixels a decoder may allocate for one frame: the limit plus the padding that decoders add.
std::int64_t decoder_pixel_limit(const Limits& limits);

/// Converts decoded frames of any pixel format to upright RGB, deinterlaced and tone-mapped where
/// the stream says so. Keeps its tables as long as the format stays. Threads: one at a time.
class FrameConverter {
 public:
  /// Precondition: check_size(displayed_size(..)) was ok. Errors: kUnsupported (pixel format).
  Result<image::Image> convert(const AVFrame& frame, AVRational pixel_aspect,
                               Orientation orientation);

 private:
  struct Setup {
    int width = 0;
    int height = 0;
    int format = -1;
    int out_width = 0;
    int out_height = 0;
    int colour_space = -1;
    bool full_range = false;
    HdrTransfer transfer = HdrTransfer::kNone;
    HdrGamut gamut = HdrGamut::kBt2020;
    bool operator==(const Setup&) const = default;
  };
  Status prepare(const Setup& setup);

  Setup setup_;
  SwsPtr scaler_;
  FramePtr padded_;  ///< RGB with padded rows: the scaler's vector code writes whole blocks
  FramePtr deep_;    ///< the same with 16 bits, before tone mapping
  std::optional<ToneMap> tones_;
};

}  // namespace mien::video
