#pragma once

namespace mien::train {

/// Tells glibc to keep what a program frees. A training step allocates and frees tensors of many
/// megabytes; by default each is mapped anew, and the kernel clears every page again, which costs
/// up to half of a step. For programs that train and do little else: call it first in main(). Does
/// nothing with other C libraries.
void keep_freed_memory();

}  // namespace mien::train
