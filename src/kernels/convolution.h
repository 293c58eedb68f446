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

/// How the channels of pictures lie in memory.
enum class PictureLayout {
  kChannelsLast,  ///< [count, height, width, channels]
  kPlanes,        ///< [count, channels, height, width]; only as a source of up to 4 channels
  kBlocks,        ///< [count, channels / 16, height, width, 16]; float32, whole blocks only
};

/// Whether this CPU has the fast convolution of 3 x 3 on kBlocks (Winograd, in float32).
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

/// A number to multiply and one to add for every channel.
struct ChannelAffine {
  std::vector<float> factor, shift;
};

/// A batch norm of running statistics, as what it does to a channel. All spans have as many values.
ChannelAffine fold_batch_norm(std::span<const float> gain, std::span<const float> shift,
                              std::span<const float> mean, std::span<const float> variance,
                              float eps);

/// Weights of a convolution, as they lie in checkpoints; read while packing, not kept.
struct ConvolutionWeights {
  TensorView weight;               ///< [out, in, kernel, kernel], of a float type
  std::vector<float> factor = {};  ///< [out], multiplies the weights of an output; empty: 1
  std::vector<float> bias = {};    ///< [out]; empty: 0
};

/// dst = relu(conv(src) + bias), with weights packed once for this CPU. Immutable after packing;
/// safe from several threads. Between kBlocks, 3 x 3 at stride 1 is computed by Winograd's
/// algorithm where has_block_convolution(): the same sums in another order, some 1e-6 apart. Shape:
/// src [count, height, width, in] -> dst [count, out_size(height), out_size(width), out], in the
/// layouts of the options.
class Convolution {
 public:
  Convolution() = default;
  /// `shelf` holds what is packed, together with that of other layers; without one, the weights
  /// have memory of their own. Errors: kInvalidArgument when sizes do not fit, kInternal from
  /// oneDNN.
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
