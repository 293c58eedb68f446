#include "image/resize_internal.h"

namespace mien::image {

const ResizeLoops* find_resize_loops_avx2() { return nullptr; }

}  // namespace mien::image
