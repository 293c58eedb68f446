#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "mien/core/status.h"
#include "mien/image/image.h"

namespace mien::face {

/// Path of the 68-point model in Debian's libdlib-data.
inline constexpr std::string_view kSystemLandmarkModel =
    "/usr/share/dlib/shape_predictor_68_face_landmarks.dat";

/// An ensemble of regression trees that finds landmarks on a face, read from dlib's own file
/// format. Threads: const after construction; safe from several threads.
/// Source: Kazemi and Sullivan, CVPR 2014; file format of dlib::shape_predictor, version 1.
class LandmarkModel {
 public:
  /// Errors: kNotFound, kIo, kCorrupt.
  static Result<std::shared_ptr<const LandmarkModel>> load(const std::filesystem::path& path);
  /// Errors: kCorrupt naming `subject`, kUnsupported for another version of the format.
  static Result<std::shared_ptr<const LandmarkModel>> parse(std::span<const std::byte> bytes,
                                                            std::string_view subject);

  virtual ~LandmarkModel() = default;
  virtual int point_count() const = 0;
  /// The points of the face in `box`, in pixels of `picture`, even if there is no face. `box`
  /// should be a tight square as the detector draws it. Only the luma of the picture is used.
  /// Precondition: box.w and box.h are finite and positive.
  virtual std::vector<image::Point> predict(image::ImageView picture,
                                            const image::Box& box) const = 0;
};

/// Left eye, right eye, nose tip, left and right mouth corner as seen in the picture.
/// Precondition: 68 points in iBUG order.
std::array<image::Point, 5> five_points(std::span<const image::Point> points68);

}  // namespace mien::face
