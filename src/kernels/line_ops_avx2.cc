#include "kernels/line_ops.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 32;
constexpr int kTile = 6;
constexpr int kGroups = 1;
}  // namespace
}  // namespace mien::kernels

#include "kernels/line_ops.inc"

namespace mien::kernels {

const LineOps& line_ops_avx2() {
  static constexpr LineOps kOps{product, depthwise, maximum};
  return kOps;
}

}  // namespace mien::kernels
