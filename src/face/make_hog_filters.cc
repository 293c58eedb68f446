// Build tool: writes the filters of dlib's frontal face detector, unpacked, as a C array.
#include <dlib/image_processing/frontal_face_detector.h>

#include <fstream>
#include <string>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string filters = dlib::get_serialized_frontal_faces();
  std::ofstream out(argv[1]);
  out << "#include \"face/hog_kernel.h\"\nnamespace mien::face {\n"
      << "const std::size_t kHogFiltersSize = " << filters.size() << ";\n"
      << "const unsigned char kHogFilters[] = {";
  for (std::size_t i = 0; i < filters.size(); ++i) {
    out << (i % 24 == 0 ? "\n" : "") << static_cast<int>(static_cast<unsigned char>(filters[i]))
        << ',';
  }
  out << "};\n}\n";
  out.close();
  return out ? 0 : 1;
}
