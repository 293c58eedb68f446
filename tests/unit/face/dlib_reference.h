#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace mien::test {

/// dlib's own shape predictor, for comparison.
class DlibReference {
 public:
  explicit DlibReference(const std::string& path);
  ~DlibReference();
  DlibReference(const DlibReference&) = delete;
  DlibReference& operator=(const DlibReference&) = delete;
  /// Whole pixels; x and y alternate.
  std::vector<long> predict(const std::vector<std::uint8_t>& grey, int width, int height,
                            const std::array<long, 4>& left_top_width_height) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct DlibFace {
  double score = 0;
  std::array<long, 4> box{};  // left, top, right, bottom, inclusive
};
/// What dlib's own frontal face detector finds, best first.
std::vector<DlibFace> dlib_faces(const std::vector<std::uint8_t>& grey, int width, int height,
                                 double threshold);

}  // namespace mien::test
