#pragma once

#include <vector>

#include "mien/image/image.h"

namespace mien::face {

/// The grey values of the area around `box` on a coarse grid, without mean and contrast: enough to
/// see whether that area still looks the same, far too little to tell people apart. All zero for an
/// area without structure.
std::vector<float> look_of(image::ImageView frame, const image::Box& box);

/// How similar two areas look: 1 identical, 0 nothing in common; negative values are possible.
float likeness(const std::vector<float>& a, const std::vector<float>& b);

/// The best similarity of the area around `box` to an earlier look: detectors place and size the
/// box of one face slightly differently from frame to frame. Different people whose portraits are
/// framed alike reach 0.92, one person who keeps still for a second 0.94 to 1
/// (docs/reference/faces.md).
float best_likeness(const std::vector<float>& before, image::ImageView frame,
                    const image::Box& box);

/// The grey of a whole frame on a coarse grid, 0..255.
std::vector<float> thumbnail_of(image::ImageView frame);

}  // namespace mien::face
