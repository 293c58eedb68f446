// Compiled once per instruction set with MIEN_HOG_ENTRY set; CMakeLists.txt hides every symbol but
// the entry, so that nothing compiled here for AVX2 can be linked for other callers.
#include "face/hog_kernel.h"

#include <dlib/algs.h>
#include <dlib/test_for_odr_violations.h>
// Debian's dlib is set up for LAPACK: a large dependency for the few small matrices used here.
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/image_processing/object_detector.h>
#include <dlib/image_processing/scan_fhog_pyramid.h>

#include <cstring>
#include <exception>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

struct Detector {
  dlib::object_detector<dlib::scan_fhog_pyramid<dlib::pyramid_down<6>>> hog;
  dlib::array2d<unsigned char> picture;
  std::vector<dlib::rect_detection> found;
};

void* create(const unsigned char* filters, std::size_t size) {
  try {
    auto detector = std::make_unique<Detector>();
    std::istringstream in(std::string(filters, filters + size));
    deserialize(detector->hog, in);
    return detector.release();
  } catch (const std::exception&) {
    return nullptr;
  }
}

void destroy(void* detector) { delete static_cast<Detector*>(detector); }  // made by create()

bool detect(void* handle, const std::uint8_t* grey, int width, int height, double threshold,
            void (*sink)(void* user, const mien::face::HogHit* hit), void* user) {
  auto& detector = *static_cast<Detector*>(handle);
  try {
    detector.picture.set_size(height, width);
    for (int y = 0; y < height; ++y) {
      std::memcpy(&detector.picture[y][0], grey + static_cast<std::ptrdiff_t>(y) * width,
                  static_cast<std::size_t>(width));
    }
    detector.hog(detector.picture, detector.found, threshold);
  } catch (const std::exception&) {
    return false;
  }
  for (const dlib::rect_detection& one : detector.found) {
    const mien::face::HogHit hit{one.detection_confidence, one.rect.left(), one.rect.top(),
                                 one.rect.right(), one.rect.bottom()};
    sink(user, &hit);
  }
  return true;
}

constexpr mien::face::HogKernel kKernel{&create, &destroy, &detect};

}  // namespace

extern "C" const mien::face::HogKernel* MIEN_HOG_ENTRY() { return &kKernel; }
