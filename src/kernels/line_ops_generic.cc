#include "kernels/line_ops.h"

namespace mien::kernels {
namespace {
constexpr int kVectorBytes = 16;
constexpr int kTile = 3;
constexpr int kGroups = 1;
}  // namespace
}  // namespace mien::kernels

#include "kernels/line_ops.inc"

namespace mien::kernels {

const LineOps& line_ops_generic() {
  static constexpr LineOps kOps{product, depthwise, maximum};
  return kOps;
}

}  // namespace mien::kernels
