#pragma once

#include "image/codec.h"

namespace mien::image {

/// True when the bytes start with "BM" and an information header of a known size.
bool looks_like_bmp(Bytes bytes);

}  // namespace mien::image
