#pragma once

#include "mien/pipeline/segments.h"

namespace mien::report {

using pipeline::LabelSegments;
using pipeline::Segment;
using pipeline::SegmentTrack;

}  // namespace mien::report
