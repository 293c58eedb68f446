#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mien/core/status.h"
#include "mien/core/wall_time.h"
#include "mien/engine/result.h"
#include "mien/image/image.h"

namespace mien::report {

class ClipTimeline;

/// How results are drawn.
struct DrawStyle {
  int top_labels = 3;         ///< number of labels to show per face, 1 to 10
  double scale = 1.0;         ///< size of text and lines, 0.25 to 4
  bool landmarks = false;     ///< dots on the five points
  bool enlarge_small = true;  ///< pictures below 240 pixels are enlarged 2 to 8 times first
  int timeline_rows = 3;      ///< tracks shown at once under a clip, 1 to 12
  std::string font = "DejaVu Sans";
};

/// Where a frame is in its clip.
struct FrameTime {
  std::int64_t now_us = 0;
  std::int64_t duration_us = 0;        ///< <= 0: unknown (live); the last 30 seconds are shown
  std::optional<WallTime> clock = {};  ///< wall time of time 0, drawn instead of the clip's time
};

/// Draws results on pictures: a box per face in its own colour, and beside it a panel with the best
/// labels that stays inside the picture and off other faces where there is room. Labels may be in
/// any script; characters missing from the system's fonts show as a framed code. Threads: one
/// thread at a time. It caches fonts, so make one per clip.
class Annotator {
 public:
  /// Errors: kInternal when there is no font system.
  static Result<Annotator> create(const DrawStyle& style = {});
  Annotator(Annotator&&) noexcept;
  Annotator& operator=(Annotator&&) noexcept;
  ~Annotator();

  /// Draws `faces` on `picture`. The picture grows where DrawStyle::enlarge_small applies, and by a
  /// band below when its only face is the whole picture. Boxes may overhang; boxes that are empty,
  /// not finite or entirely outside are left out.
  /// Errors: kInvalidArgument for an empty picture, kResourceLimit above 32767 pixels a side.
  Status draw(image::Image& picture, std::span<const engine::FaceResult> faces);

  /// As draw(), then adds a band below with the leading label of each track up to now. The result
  /// has the size that clip_size() gives. Errors: as draw().
  Status draw_frame(image::Image& frame, std::span<const engine::FaceResult> faces,
                    const ClipTimeline& timeline, const FrameTime& time);

  /// In pixels.
  struct Size {
    int width = 0;
    int height = 0;
  };
  /// The size that draw_frame() gives to frames of this size; both sides are even.
  Size clip_size(int width, int height) const;

 private:
  struct Impl;
  explicit Annotator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Draws one picture with its own Annotator. Errors: those of Annotator::create and draw.
Status annotate(image::Image& picture, std::span<const engine::FaceResult> faces,
                const DrawStyle& style = {});

}  // namespace mien::report
