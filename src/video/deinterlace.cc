#include "video/deinterlace.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace mien::video {
namespace {

bool top_field_first(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame.flags & AV_FRAME_FLAG_TOP_FIELD_FIRST) != 0;
#else
  return frame.top_field_first != 0;
#endif
}

// Interpolates along the direction in which the rows above and below agree best.
template <class T>
int interpolate(const T* above, const T* below, int x, int width) {
  int best = std::abs(above[x] - below[x]);
  int value = above[x] + below[x];
  if (x > 0 && x + 1 < width) {
    for (const int d : {-1, 1}) {
      const int difference = std::abs(above[x + d] - below[x - d]);
      if (difference < best) {
        best = difference;
        value = above[x + d] + below[x - d];
      }
    }
  }
  return (value + 1) / 2;
}

// A pixel is combed if it differs from the rows above and below in the same way as its own field
// does around them: alternate rows then show two moments. A thin line differs alone and is kept.
template <class T>
bool is_comb(int own, int above, int below, const T& field_above, const T& field_below,
             int threshold) {
  const int up = own - above, down = own - below;
  if (up > threshold && down > threshold) {
    return field_above - above > threshold || field_below - below > threshold;
  }
  if (up < -threshold && down < -threshold) {
    return above - field_above > threshold || below - field_below > threshold;
  }
  return false;
}

struct Plane {
  std::uint8_t* data;
  std::ptrdiff_t stride;
  int width;
  int height;
};

template <class T>
void mend_plane(const AVFrame& from, int index, const Plane& plane, int first, int threshold) {
  const auto row = [&](int y) {
    const int clamped = y < 0 ? y + 2 : y >= plane.height ? y - 2 : y;
    return reinterpret_cast<const T*>(from.data[index] +
                                      std::ptrdiff_t{clamped} * from.linesize[index]);
  };
  for (int y = first; y < plane.height; y += 2) {
    T* out = reinterpret_cast<T*>(plane.data + y * plane.stride);
    const T* own = row(y);
    const T* above = row(y - 1);
    const T* below = row(y + 1);
    const T* field_above = row(y - 2);
    const T* field_below = row(y + 2);
    for (int x = 0; x < plane.width; ++x) {
      if (is_comb(own[x], above[x], below[x], field_above[x], field_below[x], threshold)) {
        out[x] = static_cast<T>(interpolate(above, below, x, plane.width));
      }
    }
  }
}

}  // namespace

bool is_interlaced(const AVFrame& frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 7, 100)
  return (frame.flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
  return frame.interlaced_frame != 0;
#endif
}

FramePtr deinterlaced(const AVFrame& frame) {
  const auto pixel_format = static_cast<AVPixelFormat>(frame.format);
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(pixel_format);
  constexpr std::uint64_t kOther = AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL |
                                   AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_BITSTREAM |
                                   AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_FLOAT;
  if (format == nullptr || (format->flags & kOther) != 0) return nullptr;
  const int depth = format->comp[0].depth;
  const int bytes = depth > 8 ? 2 : 1;
  for (int c = 0; c < format->nb_components; ++c) {
    const AVComponentDescriptor& component = format->comp[c];
    if (component.plane != c || component.step != bytes || component.shift != 0) return nullptr;
  }
  FramePtr out = make_frame();
  out->format = frame.format;
  out->width = frame.width;
  out->height = frame.height;
  if (av_frame_get_buffer(out.get(), 0) < 0 || av_frame_copy(out.get(), &frame) < 0 ||
      av_frame_copy_props(out.get(), &frame) < 0) {
    return nullptr;
  }
  constexpr int kThreshold = 10;  // of 255
  const int threshold = kThreshold << (depth - 8 > 0 ? depth - 8 : 0);
  const int first = top_field_first(frame) ? 1 : 0;
  for (int c = 0; c < format->nb_components && c < 3; ++c) {
    const int shift_x = c > 0 ? format->log2_chroma_w : 0;
    const int shift_y = c > 0 ? format->log2_chroma_h : 0;
    const Plane plane{out->data[c], out->linesize[c], AV_CEIL_RSHIFT(frame.width, shift_x),
                      AV_CEIL_RSHIFT(frame.height, shift_y)};
    if (plane.height < 4) continue;
    if (bytes == 2) {
      mend_plane<std::uint16_t>(frame, c, plane, first, threshold);
    } else {
      mend_plane<std::uint8_t>(frame, c, plane, first, threshold);
    }
  }
  return out;
}

}  // namespace mien::video
