#pragma once

#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// The grey of the place around `box` on a coarse grid, without its mean and contrast: enough to
/// see whether a place still shows what it showed, far too little to tell people apart. All zero
/// for a place without any structure.
std::vector<float> look_of(image::ImageView frame, const image::Box& box);

/// How alike two places look: 1 the same, 0 nothing in common; less than 0 is possible.
float likeness(const std::vector<float>& a, const std::vector<float>& b);

/// How alike the place around `box` is to what was seen before, at best: detectors place and size
/// the box of one face a little differently from frame to frame. Different people whose portraits
/// are cut alike reach 0.92, one person who keeps still for a second 0.94 to 1
/// (docs/reference/faces.md).
float best_likeness(const std::vector<float>& before, image::ImageView frame,
                    const image::Box& box);

/// The grey of a whole frame on a coarse grid, 0..255.
std::vector<float> thumbnail_of(image::ImageView frame);

}  // namespace mien::face
