#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mien/pipeline/result.h"
#include "report/palette.h"

namespace mien::report {

/// The colour of every label of a set: the same in tables, pictures, clips and pages, whatever the
/// order of the set. Built-in expressions, under any of their names, have the same colour in every
/// set; other labels have distinct colours as long as there are enough.
class LabelColours {
 public:
  LabelColours() = default;
  explicit LabelColours(std::vector<std::string> labels);

  /// The colour of a label; grey if it is not in the set.
  const Colour& of(std::string_view label) const;
  bool empty() const { return colours_.empty(); }

 private:
  std::map<std::string, std::size_t, std::less<>> colours_;  // in kLabelColours
};

LabelColours colours_of(const std::vector<engine::LabelScore>& labels);
/// All tracks of a clip have the same labels.
LabelColours colours_of(std::span<const pipeline::TrackResult> tracks);

}  // namespace mien::report
