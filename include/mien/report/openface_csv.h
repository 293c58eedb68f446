#pragma once

#include <string>
#include <vector>

#include "mien/pipeline/result.h"

namespace mien::report {

/// Results in the layout of OpenFace 2's CSV, so that scripts written for it can read them: `frame`
/// from 1, `confidence` in 0..1, `success`, numbers only, zeros where there is no face; per label
/// LABEL_p (its probability; OpenFace's `_r` is an intensity from 0 to 5, which this is not) and
/// LABEL_c (1 for the leading label). docs/reference/outputs.md has the columns. Threads: const
/// member functions are safe from several threads.
class OpenFaceCsv {
 public:
  explicit OpenFaceCsv(std::vector<std::string> labels);

  /// The first line, with its line end.
  std::string header() const;
  /// One row per face; a frame without faces has one row with success 0.
  std::string rows(const pipeline::FrameResult& frame) const;

 private:
  std::vector<std::string> labels_;
};

}  // namespace mien::report
