#pragma once

#include <cstddef>
#include <cstdint>

// The frontal face detector of dlib behind a plain table of functions, so that the same source can
// be compiled once per instruction set. No inline function may appear here: its body would be
// compiled with the flags of one instruction set and might be linked for all.
namespace mien::face {

struct HogHit {
  double score;
  long left, top, right, bottom;  // inclusive, pixels of the working picture
};

struct HogKernel {
  /// `filters` is dlib's detector as dlib serializes it. Null when it cannot be read.
  void* (*create)(const unsigned char* filters, std::size_t size);
  void (*destroy)(void* detector);
  /// Calls `sink` for every detection with a score of at least `threshold`, best first.
  /// Returns false when memory ran out.
  bool (*detect)(void* detector, const std::uint8_t* grey, int width, int height, double threshold,
                 void (*sink)(void* user, const HogHit* hit), void* user);
};

/// Made at build time from dlib's header: unpacking it there takes a third of a second.
extern const unsigned char kHogFilters[];
extern const std::size_t kHogFiltersSize;

}  // namespace mien::face

extern "C" {
const mien::face::HogKernel* mien_face_hog_generic();
const mien::face::HogKernel* mien_face_hog_avx2();
}
