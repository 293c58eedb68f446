#include "dlib_reference.h"

#include <dlib/algs.h>
#include <dlib/test_for_odr_violations.h>
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/array2d.h>
#include <dlib/image_processing/frontal_face_detector.h>
#include <dlib/image_processing/shape_predictor.h>

#include <algorithm>

namespace mien::test {

struct DlibReference::Impl {
  dlib::shape_predictor predictor;
};

namespace {

dlib::array2d<unsigned char> to_dlib(const std::vector<std::uint8_t>& grey, int width, int height) {
  dlib::array2d<unsigned char> picture(height, width);
  for (long y = 0; y < height; ++y) {
    for (long x = 0; x < width; ++x) {
      picture[y][x] = grey[static_cast<std::size_t>(y * width + x)];
    }
  }
  return picture;
}

}  // namespace

DlibReference::DlibReference(const std::string& path) : impl_(std::make_unique<Impl>()) {
  dlib::deserialize(path) >> impl_->predictor;
}

DlibReference::~DlibReference() = default;

std::vector<long> DlibReference::predict(const std::vector<std::uint8_t>& grey, int width,
                                         int height, const std::array<long, 4>& box) const {
  const dlib::array2d<unsigned char> picture = to_dlib(grey, width, height);
  const dlib::rectangle rect(box[0], box[1], box[0] + box[2] - 1, box[1] + box[3] - 1);
  const auto shape = impl_->predictor(picture, rect);
  std::vector<long> out;
  for (unsigned long i = 0; i < shape.num_parts(); ++i) {
    out.push_back(shape.part(i).x());
    out.push_back(shape.part(i).y());
  }
  return out;
}

std::vector<DlibFace> dlib_faces(const std::vector<std::uint8_t>& grey, int width, int height,
                                 double threshold) {
  static dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  std::vector<dlib::rect_detection> found;
  detector(to_dlib(grey, width, height), found, threshold);
  std::vector<DlibFace> out;
  for (const auto& one : found) {
    out.push_back({one.detection_confidence,
                   {one.rect.left(), one.rect.top(), one.rect.right(), one.rect.bottom()}});
  }
  return out;
}

}  // namespace mien::test
