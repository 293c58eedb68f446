#pragma once

#include <cstdint>

#include "video/container.h"

namespace mien::video {

/// Frames that the index or the header of the container lists; 0 when neither does.
std::int64_t listed_frames(const AVFormatContext& context, AVStream& video);

/// True when the file ends before its header says it does: an interrupted download, a full card.
/// Known for MP4, Matroska, AVI, FLV, ASF and animated PNG; other formats state no length. Call it
/// after the last packet.
bool ends_early(Container& container, AVStream& video);

}  // namespace mien::video
