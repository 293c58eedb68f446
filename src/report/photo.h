#pragma once

// Parts of pages about pictures: the photograph with its faces, bars of labels.

#include <string>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/image/image.h"
#include "mien/pipeline/result.h"
#include "report/label_colours.h"
#include "report/people_colours.h"

namespace mien::report {

/// CSS for these parts.
std::string_view photo_style();

/// "#rrggbb".
std::string css(const Colour& colour);

/// Colours of the faces of a picture, by index.
PeopleColours face_colours(const pipeline::FrameResult& picture);

/// The picture with a numbered box around every face, or only the boxes without an `image`; empty
/// without both. Errors: those of encode_jpeg.
Result<std::string> photo(const pipeline::FrameResult& picture, const image::Image* image,
                          const PeopleColours& colours);

/// A name, a bar of length `share` in its colour, and text at the right.
std::string label_bar(std::string_view name, double share, std::string_view told,
                      const Colour& colour);
/// The `top` labels as bars.
std::string label_bars(const std::vector<engine::LabelScore>& labels, int top,
                       const LabelColours& colours);
/// A square in the colour of a label, the label, and text about it.
std::string swatch(std::string_view name, std::string_view told, const Colour& colour);

}  // namespace mien::report
