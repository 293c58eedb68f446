#pragma once

#include <span>
#include <string>

#include "mien/pipeline/result.h"

namespace mien::report {

struct TableOptions {
  int width = 80;       ///< columns of the terminal; at least 40 are assumed
  int top = 3;          ///< labels to show per face
  bool unicode = true;  ///< false: ASCII only
  bool colour = false;  ///< ANSI colours
};

/// A picture as a short block of text: name, size, and each face with its best labels as bars.
/// Names and labels pass through printable().
std::string picture_table(const pipeline::FrameResult& picture, const TableOptions& options = {});

/// A clip as a block of text: per track the share of time of every label, the segments, and the
/// answer for the whole track; then one row per track that shows its segments, with a legend.
std::string clip_table(const pipeline::SummaryResult& summary,
                       std::span<const pipeline::TrackResult> tracks,
                       const TableOptions& options = {});

/// One line about a frame of a clip that is being read: its time and the answer of every face, as
/// "0:12.3  #0 happy 93%  #1 unknown". At most TableOptions::width columns.
std::string now_line(const pipeline::FrameResult& frame, const TableOptions& options = {});

/// "0:05.2", "12:31", "1:02:07": tenths only below ten minutes.
std::string clock_text(double seconds);

}  // namespace mien::report
