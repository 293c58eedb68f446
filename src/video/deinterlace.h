#pragma once

#include "video/ffmpeg.h"

namespace mien::video {

/// True when the decoder says that the two fields of the frame are of different moments.
bool is_interlaced(const AVFrame& frame);

/// A copy in which combs, the rows of the later field where something moved, are interpolated from
/// the earlier one; rows that show no comb stay as they are, so that a still picture keeps all its
/// detail. nullptr for formats that are not planar YUV or grey of up to 16 bits.
FramePtr deinterlaced(const AVFrame& frame);

}  // namespace mien::video
