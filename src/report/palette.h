#pragma once

#include <array>
#include <cstdint>

namespace mien::report {

struct Colour {
  std::uint8_t r = 0;
  std::uint8_t g = 0;
  std::uint8_t b = 0;
  std::uint8_t ansi = 7;  ///< nearest of the 256 terminal colours
};

/// People (tracks, faces): Okabe and Ito, safe for the common kinds of colour blindness; the
/// darkest two are lightened to be visible on dark pictures.
inline constexpr std::array<Colour, 7> kTrackColours{{{86, 180, 233, 74},
                                                      {230, 159, 0, 178},
                                                      {0, 190, 140, 36},
                                                      {240, 228, 66, 227},
                                                      {225, 125, 185, 175},
                                                      {232, 110, 40, 166},
                                                      {90, 140, 255, 69}}};

/// Labels (label_colours.h): Paul Tol's "muted" set, safe for the common kinds of colour blindness,
/// and seven more for long lists.
inline constexpr std::array<Colour, 16> kLabelColours{{{221, 204, 119, 186},
                                                       {68, 170, 153, 72},
                                                       {204, 102, 119, 168},
                                                       {136, 204, 238, 117},
                                                       {170, 68, 153, 133},
                                                       {153, 153, 51, 142},
                                                       {102, 90, 190, 62},
                                                       {50, 150, 80, 29},
                                                       {165, 60, 100, 125},
                                                       {238, 136, 60, 208},
                                                       {150, 110, 70, 137},
                                                       {255, 160, 180, 217},
                                                       {187, 204, 51, 149},
                                                       {60, 120, 190, 67},
                                                       {165, 215, 190, 151},
                                                       {190, 165, 225, 183}}};

inline constexpr Colour kGrey{150, 152, 158, 245};

inline const Colour& track_colour(std::int64_t id) {
  return kTrackColours[static_cast<std::size_t>(id < 0 ? 0 : id) % kTrackColours.size()];
}

}  // namespace mien::report
