#pragma once

#include <cstdint>

#include "video/container.h"

namespace mien::video {

/// Frames that the index or the header of the container lists; 0 when neither does.
std::int64_t listed_frames(const AVFormatContext& context, AVStream& video);

/// True when the file ends before its own header says: a broken download, a full card. Known of
/// MP4, Matroska, AVI, FLV, ASF and animated PNG; the others promise nothing. Call it after the
/// last packet.
bool ends_early(Container& container, AVStream& video);

}  // namespace mien::video
