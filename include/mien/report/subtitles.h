#pragma once

#include <string>
#include <string_view>

#include "mien/pipeline/segments.h"

namespace mien::report {

using pipeline::LabelSegments;
using pipeline::Segment;
using pipeline::SegmentTrack;

/// SubRip or WebVTT.
enum class SubtitleFormat { kSrt, kVtt };

/// The leading labels of a finished clip as subtitles. Cues never overlap: a cue ends when the
/// label of any face changes, and has one line per face ("face 0: happy"; the label alone in a clip
/// with one face). `notice` becomes a comment where the format has one (WebVTT).
std::string subtitles(const LabelSegments& segments, SubtitleFormat format,
                      std::string_view notice = {});

}  // namespace mien::report
