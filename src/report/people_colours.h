#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "report/canvas.h"
#include "report/palette.h"

namespace mien::report {

/// Colours of people: the first seven are as in track_colour(); in crowds, a face never has the
/// colour of a nearby one, as long as there are enough colours. Threads: not thread-safe; one per
/// picture or clip.
class PeopleColours {
 public:
  /// `numbers` and `boxes` of the faces of one picture or frame. Someone who was in an earlier
  /// frame keeps the colour.
  void see(std::span<const std::int64_t> numbers, std::span<const Rect> boxes);
  /// track_colour() of someone who was never seen.
  const Colour& of(std::int64_t number) const;

 private:
  std::map<std::int64_t, std::size_t> colours_;  // in kTrackColours
};

}  // namespace mien::report
