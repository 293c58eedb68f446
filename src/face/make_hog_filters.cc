// Build tool: writes the filters of dlib's frontal face detector as C arrays, split into products
// of a row and a column as dlib splits them. The splitting takes a third of a second.
#include <dlib/algs.h>
#include <dlib/test_for_odr_violations.h>
// Debian's dlib is configured for LAPACK: a large dependency for the few small matrices used here.
#undef DLIB_USE_BLAS
#undef DLIB_USE_LAPACK
#include <dlib/image_processing/frontal_face_detector.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace {

std::string exact(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17g", value);
  return text;
}

std::string numbers(const dlib::matrix<float, 0, 1>& values) {
  std::string out = "{";
  for (long i = 0; i < values.size(); ++i) {
    char text[40];
    std::snprintf(text, sizeof(text), "%af,", static_cast<double>(values(i)));
    out += text;
  }
  return out + "}";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const dlib::frontal_face_detector detector = dlib::get_frontal_face_detector();
  const auto& scanner = detector.get_scanner();
  // The shape that hog_kernel.cc is written for.
  if (scanner.get_cell_size() != 8 || scanner.get_fhog_window_width() != 10 ||
      scanner.get_fhog_window_height() != 10 || scanner.get_padding() != 0 ||
      scanner.get_min_pyramid_layer_width() != 64 || scanner.get_min_pyramid_layer_height() != 64 ||
      detector.num_detectors() != 5 || scanner.get_num_dimensions() != 3100) {
    std::fprintf(stderr, "make_hog_filters: dlib's detector has another shape\n");
    return 1;
  }
  std::string terms;
  std::string thresholds;
  std::size_t count = 0;
  std::vector<decltype(scanner.build_fhog_filterbank(detector.get_w(0)))> banks;
  for (unsigned long d = 0; d < detector.num_detectors(); ++d) {
    thresholds += exact(detector.get_w(d)(3100)) + ",";
    banks.push_back(scanner.build_fhog_filterbank(detector.get_w(d)));
  }
  for (std::size_t plane = 0; plane < 31; ++plane) {
    for (std::size_t d = 0; d < banks.size(); ++d) {
      for (std::size_t i = 0; i < banks[d].row_filters[plane].size(); ++i, ++count) {
        terms += "{" + std::to_string(plane) + "," + std::to_string(d) + "," +
                 numbers(banks[d].row_filters[plane][i]) + "," +
                 numbers(banks[d].col_filters[plane][i]) + "},\n";
      }
    }
  }
  const dlib::test_box_overlap overlap = detector.get_overlap_tester();
  std::ofstream out(argv[1]);
  out << "#include \"face/hog_kernel.h\"\nnamespace mien::face {\n"
      << "const HogTerm kHogTermList[] = {\n"
      << terms << "};\n"
      << "const HogFilters kHogFilters = {kHogTermList, " << count << ", {" << thresholds << "}, "
      << exact(overlap.get_iou_thresh()) << ", " << exact(overlap.get_percent_covered_thresh())
      << "};\n}\n";
  out.close();
  return out ? 0 : 1;
}
