#include "video/convert.h"

#include "video/deinterlace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mien::video {
namespace {

// A file can make FFmpeg store numbers that are not enumerators; reading such an enum is undefined.
template <class Enum>
int number_of(const Enum& value) {
  static_assert(sizeof(Enum) == sizeof(int));
  int number = 0;
  std::memcpy(&number, &value, sizeof(number));
  return number;
}

bool is_grey(const AVPixFmtDescriptor& format) {
  return format.nb_components <= 2 &&
         (format.flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) == 0;
}

bool is_full_range(const AVFrame& frame, const AVPixFmtDescriptor& format) {
  switch (frame.format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P: return true;
    default: break;
  }
  const int range = number_of(frame.color_range);
  return range == AVCOL_RANGE_JPEG || (range != AVCOL_RANGE_MPEG && is_grey(format));
}

// When not stated: BT.709 for high definition, BT.601 for the rest, as players assume.
int colour_space(const AVFrame& frame) {
  switch (number_of(frame.colorspace)) {
    case AVCOL_SPC_BT709: return SWS_CS_ITU709;
    case AVCOL_SPC_FCC: return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M: return SWS_CS_ITU601;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
    default: break;
  }
  return frame.width >= 1280 || frame.height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

HdrTransfer hdr_transfer(const AVFrame& frame) {
  switch (number_of(frame.color_trc)) {
    case AVCOL_TRC_SMPTE2084: return HdrTransfer::kPq;
    case AVCOL_TRC_ARIB_STD_B67: return HdrTransfer::kHlg;
    default: return HdrTransfer::kNone;
  }
}

HdrGamut hdr_gamut(const AVFrame& frame) {
  switch (number_of(frame.color_primaries)) {
    case AVCOL_PRI_BT709: return HdrGamut::kBt709;
    case AVCOL_PRI_SMPTE431:
    case AVCOL_PRI_SMPTE432: return HdrGamut::kP3;
    default: return HdrGamut::kBt2020;
  }
}

FramePtr make_padded(AVPixelFormat format, int width, int height) {
  FramePtr out = make_frame();
  out->format = format;
  out->width = width;
  out->height = height;
  constexpr int kAlign = 64;
  if (av_frame_get_buffer(out.get(), kAlign) < 0) return nullptr;
  return out;
}

image::Image copy_oriented(const AVFrame& rgb, int width, int height, Orientation o) {
  image::Image out(o.transpose ? height : width, o.transpose ? width : height);
  for (int y = 0; y < out.height(); ++y) {
    std::uint8_t* to = out.row(y);
    const int v = o.mirror_y ? out.height() - 1 - y : y;
    if (!o.transpose && !o.mirror_x) {
      std::memcpy(to, rgb.data[0] + std::ptrdiff_t{v} * rgb.linesize[0],
                  static_cast<std::size_t>(width) * 3);
      continue;
    }
    for (int x = 0; x < out.width(); ++x, to += 3) {
      const int u = o.mirror_x ? out.width() - 1 - x : x;
      const std::ptrdiff_t row = o.transpose ? u : v;
      const std::ptrdiff_t column = o.transpose ? v : u;
      std::memcpy(to, rgb.data[0] + row * rgb.linesize[0] + column * 3, 3);
    }
  }
  return out;
}

}  // namespace

Orientation orientation_of(const std::int32_t* matrix) {
  if (matrix == nullptr) return {};
  // x' = a x + c y, y' = b x + d y
  const std::int64_t a = matrix[0];
  const std::int64_t b = matrix[1];
  const std::int64_t c = matrix[3];
  const std::int64_t d = matrix[4];
  if (std::abs(b) + std::abs(c) > std::abs(a) + std::abs(d)) {
    return {.transpose = true, .mirror_x = c < 0, .mirror_y = b < 0};
  }
  return {.transpose = false, .mirror_x = a < 0, .mirror_y = d < 0};
}

PictureSize displayed_size(int width, int height, AVRational pixel_aspect) {
  PictureSize size{width, height};
  if (pixel_aspect.num <= 0 || pixel_aspect.den <= 0) return size;
  const double ratio = av_q2d(pixel_aspect);
  if (ratio < 0.25 || ratio > 4.0 || std::abs(ratio - 1.0) < 0.02) return size;
  if (ratio > 1) {
    size.width = std::llround(width * ratio);
  } else {
    size.height = std::llround(height / ratio);
  }
  return size;
}

Status check_size(PictureSize size, const Limits& limits, const std::string& name) {
  const auto text = std::to_string(size.width) + "x" + std::to_string(size.height);
  if (size.width <= 0 || size.height <= 0)
    return corrupt(name + ": bad frame size (got " + text + ")");
  if (std::max(size.width, size.height) > std::int64_t{limits.max_dimension}) {
    return resource_limit(name + ": frame is too large (expected at most " +
                          std::to_string(limits.max_dimension) + " on a side, got " + text + ")");
  }
  if (static_cast<std::uint64_t>(size.width) * static_cast<std::uint64_t>(size.height) >
      limits.max_pixels) {
    return resource_limit(name + ": frame is too large (expected at most " +
                          std::to_string(limits.max_pixels) + " pixels, got " + text + ")");
  }
  return {};
}

std::int64_t decoder_pixel_limit(const Limits& limits) {
  constexpr std::uint64_t kPadding = 128;
  const std::uint64_t most = std::min<std::uint64_t>(limits.max_pixels, INT32_MAX);
  return static_cast<std::int64_t>(
      std::min<std::uint64_t>(most + kPadding * (limits.max_dimension + kPadding), INT32_MAX));
}

Status FrameConverter::prepare(const Setup& setup) {
  if (scaler_ != nullptr && setup == setup_) return {};
  scaler_.reset();
  const auto format = static_cast<AVPixelFormat>(setup.format);
  const auto problem = [&](const char* what) {
    const char* name = av_get_pix_fmt_name(format);
    return unsupported(std::string("frame: pixel format ") + (name != nullptr ? name : "unknown") +
                       " " + what);
  };
  const bool hdr = setup.transfer != HdrTransfer::kNone;
  if (sws_isSupportedInput(format) == 0) return problem("cannot be converted to RGB");
  scaler_.reset(sws_getContext(setup.width, setup.height, format, setup.out_width, setup.out_height,
                               hdr ? AV_PIX_FMT_RGB48LE : AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr,
                               nullptr, nullptr));
  if (scaler_ == nullptr) return problem("cannot be converted to RGB at this size");
  // Fails for formats without chroma, which need no matrix.
  sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(setup.colour_space),
                           setup.full_range ? 1 : 0, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0,
                           1 << 16, 1 << 16);
  padded_ = make_padded(AV_PIX_FMT_RGB24, setup.out_width, setup.out_height);
  deep_ = hdr ? make_padded(AV_PIX_FMT_RGB48LE, setup.out_width, setup.out_height) : nullptr;
  if (padded_ == nullptr || (hdr && deep_ == nullptr)) {
    scaler_.reset();
    return resource_limit("frame: no memory for its pixels");
  }
  tones_.reset();
  if (hdr) tones_.emplace(setup.transfer, setup.gamut);
  setup_ = setup;
  return {};
}

Result<image::Image> FrameConverter::convert(const AVFrame& stored, AVRational pixel_aspect,
                                             Orientation orientation) {
  const FramePtr woven = is_interlaced(stored) ? deinterlaced(stored) : nullptr;
  const AVFrame& frame = woven != nullptr ? *woven : stored;
  const AVPixFmtDescriptor* format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (format == nullptr) return unsupported("frame: unknown pixel format");
  const PictureSize size = displayed_size(frame.width, frame.height, pixel_aspect);
  MIEN_RETURN_IF_ERROR(prepare({.width = frame.width,
                                .height = frame.height,
                                .format = frame.format,
                                .out_width = static_cast<int>(size.width),
                                .out_height = static_cast<int>(size.height),
                                .colour_space = colour_space(frame),
                                .full_range = is_full_range(frame, *format),
                                .transfer = hdr_transfer(frame),
                                .gamut = hdr_gamut(frame)}));
  const AVFrame& target = deep_ != nullptr ? *deep_ : *padded_;
  const int rows = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height,
                             target.data, target.linesize);
  if (rows <= 0) return internal_error("frame: conversion to RGB failed");
  for (int y = 0; tones_ && y < padded_->height; ++y) {
    const std::ptrdiff_t row = y;
    tones_->apply(reinterpret_cast<const std::uint16_t*>(deep_->data[0] + row * deep_->linesize[0]),
                  padded_->data[0] + row * padded_->linesize[0],
                  static_cast<std::size_t>(padded_->width));
  }
  return copy_oriented(*padded_, padded_->width, padded_->height, orientation);
}

}  // namespace mien::video
