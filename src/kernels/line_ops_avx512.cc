#include "kernels/line_ops.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 64;
constexpr int kTile = 8;
constexpr int kGroups = 2;
}  // namespace
}  // namespace mien::kernels

#include "kernels/line_ops.inc"

namespace mien::kernels {

const LineOps& line_ops_avx512() {
  static constexpr LineOps kOps{product, depthwise, maximum};
  return kOps;
}

}  // namespace mien::kernels
