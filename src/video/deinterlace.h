#pragma once

#include "video/ffmpeg.h"

namespace mien::video {

/// True when the decoder reports that the two fields of the frame show different moments.
bool is_interlaced(const AVFrame& frame);

/// A copy in which combed pixels (rows of the later field where something moved) are interpolated
/// from the earlier field. Rows without combs stay, so that a still picture keeps all its detail.
/// nullptr for formats other than planar YUV or grey of up to 16 bits.
FramePtr deinterlaced(const AVFrame& frame);

}  // namespace mien::video
