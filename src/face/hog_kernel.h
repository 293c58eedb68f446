#pragma once

#include <cstddef>
#include <cstdint>

// dlib's frontal face detector behind a plain table of functions, so that the same source can be
// compiled once per instruction set. No inline functions here: they would be compiled with the
// flags of one instruction set and might be linked for all.
namespace mien::face {

/// A part of one filter on one plane of features: the outer product of a column and a row.
struct HogTerm {
  int plane;     // 0..30, the terms are sorted by it
  int detector;  // 0..4
  float row[10];
  float column[10];
};

/// Made at build time from dlib's header: splitting the filters takes a third of a second.
struct HogFilters {
  const HogTerm* terms;
  std::size_t count;
  double thresholds[5];  // one per detector; scores are relative to it
  double most_overlap;   // of the box around two faces; above it the weaker one is dropped
  double most_covered;   // of either of them
};
extern const HogFilters kHogFilters;

struct HogHit {
  double score;
  long left, top, right, bottom;  // inclusive, pixels of the working picture
};

struct HogKernel {
  /// Null when out of memory.
  void* (*create)(const HogFilters& filters);
  void (*destroy)(void* detector);
  /// Calls `sink` for every detection with a score of at least `threshold`, best first. Returns
  /// false when out of memory.
  bool (*detect)(void* detector, const std::uint8_t* grey, int width, int height, double threshold,
                 void (*sink)(void* user, const HogHit* hit), void* user);
};

}  // namespace mien::face

extern "C" {
const mien::face::HogKernel* mien_face_hog_generic();
const mien::face::HogKernel* mien_face_hog_avx2();
const mien::face::HogKernel* mien_face_hog_avx512();
}
