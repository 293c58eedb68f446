#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/buffer.h"
#include "mien/core/status.h"
#include "mien/kernels/linear.h"
#include "mien/tensor/tensor.h"

namespace mien::kernels {

/// Memory layout of the channels of a picture.
enum class PictureLayout {
  kChannelsLast,  ///< [count, height, width, channels]
  kPlanes,        ///< [count, channels, height, width]; only as a source of up to 4 channels
  kBlocks,        ///< [count, channels / 16, height, width, 16]; float32, whole blocks only
};

/// Whether this CPU has the fast 3 x 3 convolution on kBlocks (Winograd, in float32).
bool has_block_convolution();

struct ConvolutionOptions {
  int stride = 1;
  int padding = 0;
  bool relu = false;
  bool accumulate = false;             ///< dst += result (a residual), before relu
  Precision input = Precision::kF32;   ///< type of src, and of the packed weights
  Precision output = Precision::kF32;  ///< type of dst; that of src (oneDNN has no others)
  PictureLayout from = PictureLayout::kChannelsLast;  ///< of src
  PictureLayout to = PictureLayout::kChannelsLast;    ///< of dst
};

/// A factor and a bias for every channel.
struct ChannelAffine {
  std::vector<float> factor, shift;
};

/// A batch norm with its running statistics, as a factor and a bias per channel. All spans have the
/// same size.
ChannelAffine fold_batch_norm(std::span<const float> gain, std::span<const float> shift,
                              std::span<const float> mean, std::span<const float> variance,
                              float eps);

/// Weights of a convolution, as in checkpoints; read while packing, not kept.
struct ConvolutionWeights {
  TensorView weight;               ///< [out, in, kernel, kernel], of a float type
  std::vector<float> factor = {};  ///< [out], multiplies the weights of an output; empty: 1
  std::vector<float> bias = {};    ///< [out]; empty: 0
};

/// dst = relu(conv(src) + bias), with weights packed once for this CPU. Between kBlocks, 3 x 3 at
/// stride 1 uses Winograd's algorithm if has_block_convolution(): the same sums in another order,
/// which differ by about 1e-6. Shape: src [count, height, width, in] -> dst [count,
/// out_size(height), out_size(width), out], in the layouts of the options. Threads: immutable after
/// packing; safe from several threads.
class Convolution {
 public:
  Convolution() = default;
  /// `shelf` holds the packed weights, together with those of other layers; without one, they have
  /// their own memory. Errors: kInvalidArgument when sizes do not match, kInternal from oneDNN.
  static Result<Convolution> pack(const ConvolutionWeights& weights,
                                  const ConvolutionOptions& options,
                                  std::shared_ptr<Shelf> shelf = nullptr);

  std::int64_t in() const;
  std::int64_t out() const;
  std::int64_t out_size(std::int64_t size) const;

  /// src and dst have the types of the options; they may not overlap.
  /// Precondition: count > 0, and the picture is not smaller than the kernel without its padding.
  Status run(const void* src, std::int64_t count, std::int64_t height, std::int64_t width,
             void* dst, Workspace& workspace) const;

 private:
  struct Packed;
  std::shared_ptr<const Packed> packed_;
};

}  // namespace mien::kernels
