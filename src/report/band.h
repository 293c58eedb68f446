#pragma once

#include "mien/report/draw.h"
#include "report/canvas.h"
#include "report/label_colours.h"
#include "report/panel.h"
#include "report/people_colours.h"
#include "report/timeline.h"

namespace mien::report {

/// Height of the timeline band below a clip.
int band_height(const Metrics& m, int rows);

struct BandStyle {
  int rows = 3;  ///< tracks shown at once
  const LabelColours& labels;
  const PeopleColours& people;
};

/// Draws the band: one bar per track in the colours of its leading labels so far, a legend and the
/// time.
void draw_band(Canvas& canvas, const Rect& area, const Metrics& m, const ClipTimeline& timeline,
               const FrameTime& time, const BandStyle& style);

}  // namespace mien::report
