#pragma once

// Convolutions of channels-last pictures without a kernel generated at run time. For a tile of
// output positions, the inputs of every tap are found through a table of pointers, so that strides,
// borders and the ends of rows cost nothing in the loop over channels.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/convolution.h"
#include "kernels/direct_kernels.h"

namespace mien::kernels {

/// Height or width after a convolution of `kernel`.
inline std::int64_t convolved_size(std::int64_t size, std::int64_t kernel,
                                   const ConvolutionOptions& options) {
  return (size + 2 * options.padding - kernel) / options.stride + 1;
}

/// Number of threads worth starting for that many multiplications: waking a second one costs as
/// much as some tens of microseconds of work, and creating it takes milliseconds of a short run.
int team_for(std::int64_t products);
/// The same for packing that many weights.
int packing_team(std::int64_t weights);

/// The kernels for this CPU, --isa and a type of inputs; nullptr: none.
const DirectKernels* direct_kernels(Precision precision);

/// A convolution packed for these kernels. Threads: immutable; safe from several threads.
class DirectConvolution {
 public:
  /// Whether there are kernels for this CPU and these sizes.
  static bool serves(const ConvolutionOptions& options, std::int64_t in, std::int64_t out);
  /// Precondition: serves(). The weights are stored on `shelf`, which must outlive this. Errors:
  /// those of copy_to_f32.
  static Result<DirectConvolution> pack(const ConvolutionWeights& weights,
                                        const ConvolutionOptions& options, Shelf& shelf);

  /// As Convolution::run; `table` and `padded` are scratch memory.
  void run(const void* src, std::int64_t count, std::int64_t height, std::int64_t width, void* dst,
           Buffer& table, Buffer& padded) const;

 private:
  struct Pictures {
    const std::byte* src;
    std::int64_t height, width, out_height, out_width;
    std::int64_t padding;
  };
  Pictures pad(const Pictures& pictures, std::int64_t count, Buffer& padded) const;
  void fill_table(const Pictures& pictures, std::int64_t first, std::int64_t positions,
                  const void** table) const;

  ConvolutionOptions options_;
  std::int64_t in_ = 0, out_ = 0, kernel_ = 0, group_ = 0, width_ = 0;  // of an element in bytes
  // With few inputs, as in a first layer, the taps of a line are contiguous and merged into one.
  bool merged_ = false;
  const DirectKernels* kernels_ = nullptr;
  const void* weights_ = nullptr;
  std::vector<float> bias_;
  std::vector<std::byte> border_;  // an input of zeros
};

}  // namespace mien::kernels
