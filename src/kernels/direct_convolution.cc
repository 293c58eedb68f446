#include "kernels/direct_convolution.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <span>

#include "kernels/convolution_weights.h"
#include "kernels/pack.h"
#include "mien/core/check.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
namespace {

// Pointers of a pass: what stays in the first cache beside what they point to.
constexpr std::int64_t kPlacesPerPass = 640;

const DirectKernels* kernels_for([[maybe_unused]] Precision precision) {
#if defined(__x86_64__)
  if (active_isa() != Isa::kAvx512) return nullptr;
  if (precision == Precision::kF32) return &direct_kernels_avx512();
  return has_fast_bf16() ? &direct_kernels_avx512_bf16() : nullptr;
#else
  return nullptr;
#endif
}

// 48 first: 9 places of it fill the registers best.
std::int64_t group_of(std::int64_t out) {
  for (const std::int64_t group : {48, 64, 32, 16}) {
    if (out % group == 0) return group;
  }
  return 0;
}

}  // namespace

bool DirectConvolution::serves(const ConvolutionOptions& options, std::int64_t in,
                               std::int64_t out) {
  const bool bf16 = options.input == Precision::kBf16;
  return options.from == PictureLayout::kChannelsLast && options.to == options.from &&
         options.input == options.output && group_of(out) > 0 && (!bf16 || in % 2 == 0) &&
         kernels_for(options.input) != nullptr;
}

Result<DirectConvolution> DirectConvolution::pack(const ConvolutionWeights& weights,
                                                  const ConvolutionOptions& options, Shelf& shelf) {
  DirectConvolution made;
  made.options_ = options;
  made.out_ = weights.weight.dim(0);
  made.in_ = weights.weight.dim(1);
  made.kernel_ = weights.weight.dim(2);
  made.group_ = group_of(made.out_);
  made.kernels_ = kernels_for(options.input);
  MIEN_CHECK(made.group_ > 0 && made.kernels_ != nullptr);
  const bool bf16 = options.input == Precision::kBf16;
  made.width_ = bf16 ? sizeof(std::uint16_t) : sizeof(float);
  made.bias_ = weights.bias;
  made.bias_.resize(static_cast<std::size_t>(made.out_), 0.0F);
  made.border_.resize(static_cast<std::size_t>(made.in_ * made.width_));
  const std::int64_t taps = made.kernel_ * made.kernel_;
  const auto each = static_cast<std::size_t>(made.group_ * made.in_ * taps);
  auto* packed = static_cast<std::byte*>(
      shelf.take(weights.weight.size() * static_cast<std::size_t>(made.width_)));
  made.weights_ = packed;
  auto* bench =
      static_cast<float*>(shelf.bench(each * sizeof(float) * static_cast<std::size_t>(threads())));
  std::atomic<bool> failed = false;  // of a type that copy_to_f32 does not read
#pragma omp parallel for schedule(static) num_threads(threads())
  for (std::int64_t g = 0; g < made.out_ / made.group_; ++g) {
    const std::span values(bench + static_cast<std::size_t>(omp_get_thread_num()) * each, each);
    if (!read_outputs(weights, g * made.group_, values).ok()) failed = true;
    std::byte* to = packed + static_cast<std::size_t>(g * made.width_) * each;
    if (bf16) {
      pack_taps_bf16(values.data(), made.in_, taps, made.group_,
                     reinterpret_cast<std::uint16_t*>(to));
    } else {
      pack_taps_f32(values.data(), made.in_, taps, made.group_, reinterpret_cast<float*>(to));
    }
  }
  if (failed) MIEN_RETURN_IF_ERROR(read_outputs(weights, 0, {}));
  return made;
}

// The table of one tile: for every tap, the inputs of its places.
void DirectConvolution::fill_table(const Pictures& of, std::int64_t first, std::int64_t places,
                                   const void** table) const {
  const std::int64_t area = of.out_height * of.out_width;
  for (std::int64_t p = 0; p < places; ++p) {
    const std::int64_t picture = (first + p) / area, place = (first + p) % area;
    const std::int64_t y = place / of.out_width * options_.stride - options_.padding;
    const std::int64_t x = place % of.out_width * options_.stride - options_.padding;
    const std::byte* base = of.src + picture * of.height * of.width * in_ * width_;
    for (std::int64_t ky = 0; ky < kernel_; ++ky) {
      const bool row = y + ky >= 0 && y + ky < of.height;
      for (std::int64_t kx = 0; kx < kernel_; ++kx) {
        const bool inside = row && x + kx >= 0 && x + kx < of.width;
        table[(ky * kernel_ + kx) * places + p] =
            inside ? base + ((y + ky) * of.width + x + kx) * in_ * width_ : border_.data();
      }
    }
  }
}

void DirectConvolution::run(const void* src, std::int64_t count, std::int64_t height,
                            std::int64_t width, void* dst, Buffer& table) const {
  const auto after = [&](std::int64_t size) {
    return (size + 2 * options_.padding - kernel_) / options_.stride + 1;
  };
  const Pictures pictures{static_cast<const std::byte*>(src), height, width, after(height),
                          after(width)};
  const std::int64_t taps = kernel_ * kernel_,
                     total = count * pictures.out_height * pictures.out_width;
  const std::int64_t most = group_ == 64 ? 6 : kTilePlaces;
  auto* pointers = table.reserve_as<const void*>(
      static_cast<std::size_t>(std::min(total, kPlacesPerPass) * taps));
  const std::size_t panel = static_cast<std::size_t>(group_ * in_ * taps * width_);
  for (std::int64_t start = 0; start < total; start += kPlacesPerPass) {
    const std::int64_t places = std::min(kPlacesPerPass, total - start);
    const std::int64_t tiles = (places + most - 1) / most;
    const auto first = [&](std::int64_t tile) { return places * tile / tiles; };
#pragma omp parallel
    {
#pragma omp for schedule(static)
      for (std::int64_t t = 0; t < tiles; ++t) {
        fill_table(pictures, start + first(t), first(t + 1) - first(t), pointers + first(t) * taps);
      }
#pragma omp for schedule(static) collapse(2)
      for (std::int64_t g = 0; g < out_ / group_; ++g) {
        for (std::int64_t t = 0; t < tiles; ++t) {
          const std::int64_t own = first(t + 1) - first(t);
          kernels_->at[own - 1][group_ / 16 - 1](
              {.sources = pointers + first(t) * taps,
               .taps = taps,
               .in = in_,
               .weights =
                   static_cast<const std::byte*>(weights_) + static_cast<std::size_t>(g) * panel,
               .bias = bias_.data() + g * group_,
               .out =
                   static_cast<std::byte*>(dst) + ((start + first(t)) * out_ + g * group_) * width_,
               .stride = out_,
               .relu = options_.relu,
               .accumulate = options_.accumulate});
        }
      }
    }
  }
}

}  // namespace mien::kernels
