#include "kernels/direct_convolution.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <span>

#include "core/thread_pool.h"
#include "kernels/blocks.h"
#include "kernels/convolution_weights.h"
#include "kernels/pack.h"
#include "mien/core/check.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
namespace {

// Pointers of one pass: few enough to stay in the first-level cache with what they point to.
constexpr std::int64_t kPositionsPerPass = 640;

}  // namespace

const DirectKernels* direct_kernels([[maybe_unused]] Precision precision) {
#if defined(__x86_64__)
  if (active_isa() != Isa::kAvx512) return nullptr;
  if (precision == Precision::kF32) return &direct_kernels_avx512();
  return precision == Precision::kBf16 && has_fast_bf16() ? &direct_kernels_avx512_bf16() : nullptr;
#else
  return nullptr;
#endif
}

std::int64_t direct_group(std::int64_t out) {
  for (const std::int64_t group : {48, 64, 32, 16}) {
    if (out % group == 0) return group;
  }
  return 0;
}

int team_for(std::int64_t products) {
  constexpr std::int64_t kWorthIt = 16'000'000;
  return products < kWorthIt ? 1 : threads();
}

int packing_team(std::int64_t weights) {
  constexpr std::int64_t kWorthIt = 2'000'000;
  return weights < kWorthIt ? 1 : threads();
}

bool DirectConvolution::serves(const ConvolutionOptions& options, std::int64_t in,
                               std::int64_t out) {
  const bool bf16 = options.input == Precision::kBf16;
  return options.from == PictureLayout::kChannelsLast && options.to == options.from &&
         options.input == options.output && direct_group(out) > 0 && (!bf16 || in % 2 == 0) &&
         direct_kernels(options.input) != nullptr;
}

Result<DirectConvolution> DirectConvolution::pack(const ConvolutionWeights& weights,
                                                  const ConvolutionOptions& options, Shelf& shelf) {
  DirectConvolution made;
  made.options_ = options;
  made.out_ = weights.weight.dim(0);
  made.in_ = weights.weight.dim(1);
  made.kernel_ = weights.weight.dim(2);
  made.group_ = direct_group(made.out_);
  made.kernels_ = direct_kernels(options.input);
  MIEN_CHECK(made.group_ > 0 && made.kernels_ != nullptr);
  const bool bf16 = options.input == Precision::kBf16;
  made.width_ = bf16 ? sizeof(std::uint16_t) : sizeof(float);
  made.bias_ = weights.bias;
  made.bias_.resize(static_cast<std::size_t>(made.out_), 0.0F);
  made.merged_ = !bf16 && made.in_ < 16 && made.kernel_ > 1;
  made.border_.resize(static_cast<std::size_t>(made.in_ * made.width_));
  const std::int64_t taps = made.kernel_ * made.kernel_;
  const auto each = static_cast<std::size_t>(made.group_ * made.in_ * taps);
  auto* packed = static_cast<std::byte*>(
      shelf.take(weights.weight.size() * static_cast<std::size_t>(made.width_)));
  made.weights_ = packed;
  const int team = packing_team(made.out_ * made.in_ * taps);
  auto* bench = static_cast<float*>(
      shelf.bench(each * sizeof(float) * static_cast<std::size_t>(ThreadPool::threads_of(team))));
  std::atomic<bool> failed = false;  // of a type that copy_to_f32 does not read
  ThreadPool::shared().run(made.out_ / made.group_, team, [&](std::int64_t g, int slot) {
    const std::span values(bench + static_cast<std::size_t>(slot) * each, each);
    if (!read_outputs(weights, g * made.group_, values).ok()) failed = true;
    std::byte* to = packed + static_cast<std::size_t>(g * made.width_) * each;
    if (bf16) {
      pack_taps_bf16(values.data(), made.in_, taps, made.group_,
                     reinterpret_cast<std::uint16_t*>(to));
    } else {
      pack_taps_f32(values.data(), made.in_, taps, made.group_, reinterpret_cast<float*>(to));
    }
  });
  if (failed) MIEN_RETURN_IF_ERROR(read_outputs(weights, 0, {}));
  return made;
}

// With a border of zeros, where the taps of a line are merged into one.
DirectConvolution::Pictures DirectConvolution::pad(const Pictures& of, std::int64_t count,
                                                   Buffer& padded) const {
  const std::int64_t border = of.padding, height = of.height + 2 * border;
  const std::int64_t width = of.width + 2 * border, line = of.width * in_ * width_;
  const auto bytes = static_cast<std::size_t>(count * height * width * in_ * width_);
  auto* to = padded.reserve_as<std::byte>(bytes);
  std::memset(to, 0, bytes);
  for (std::int64_t y = 0; y < count * of.height; ++y) {
    const std::int64_t row = y / of.height * height + y % of.height + border;
    std::memcpy(to + (row * width + border) * in_ * width_, of.src + y * line,
                static_cast<std::size_t>(line));
  }
  return {to, height, width, of.out_height, of.out_width, 0};
}

// The table of one tile: for every tap, the inputs of its output positions.
void DirectConvolution::fill_table(const Pictures& of, std::int64_t first, std::int64_t positions,
                                   const void** table) const {
  const std::int64_t pixel = in_ * width_, row = of.width * pixel;
  const std::int64_t picture = first / (of.out_height * of.out_width);
  const std::int64_t position = first % (of.out_height * of.out_width);
  std::int64_t oy = position / of.out_width, ox = position % of.out_width;
  const std::byte* base = of.src + picture * of.height * row;
  const std::int64_t last_y = of.height - kernel_, last_x = of.width - kernel_;
  const std::int64_t across = merged_ ? 1 : kernel_;
  for (std::int64_t p = 0; p < positions; ++p) {
    const std::int64_t y = oy * options_.stride - of.padding;
    const std::int64_t x = ox * options_.stride - of.padding;
    const void** to = table + p;
    if (y >= 0 && y <= last_y && x >= 0 && x <= last_x) {
      const std::byte* line = base + y * row + x * pixel;
      for (std::int64_t ky = 0; ky < kernel_; ++ky, line += row) {
        const std::byte* at = line;
        for (std::int64_t kx = 0; kx < across; ++kx, at += pixel, to += positions) *to = at;
      }
    } else {  // never of merged taps, which have no border
      for (std::int64_t ky = 0; ky < kernel_; ++ky) {
        const bool inside = y + ky >= 0 && y + ky < of.height;
        for (std::int64_t kx = 0; kx < kernel_; ++kx, to += positions) {
          *to = inside && x + kx >= 0 && x + kx < of.width
                    ? base + (y + ky) * row + (x + kx) * pixel
                    : border_.data();
        }
      }
    }
    if (++ox == of.out_width) {
      ox = 0;
      if (++oy == of.out_height) {
        oy = 0;
        base += of.height * row;
      }
    }
  }
}

void DirectConvolution::run(const void* src, std::int64_t count, std::int64_t height,
                            std::int64_t width, void* dst, Buffer& table, Buffer& padded) const {
  Pictures pictures{.src = static_cast<const std::byte*>(src),
                    .height = height,
                    .width = width,
                    .out_height = convolved_size(height, kernel_, options_),
                    .out_width = convolved_size(width, kernel_, options_),
                    .padding = options_.padding};
  if (merged_) pictures = pad(pictures, count, padded);
  const std::int64_t taps = kernel_ * (merged_ ? 1 : kernel_);
  const std::int64_t inputs = in_ * (merged_ ? kernel_ : 1);
  const std::int64_t total = count * pictures.out_height * pictures.out_width;
  const std::int64_t most = positions_of(group_), groups = out_ / group_;
  const std::int64_t each = std::min(total, kPositionsPerPass) * taps;  // pointers of a thread
  const int team = team_for(total * out_ * inputs * taps);
  auto* tables = table.reserve_as<const void*>(static_cast<std::size_t>(each * team));
  const auto* weights = static_cast<const std::byte*>(weights_);
  const std::int64_t group_bytes = group_ * inputs * taps * width_;
  const std::int64_t steps = taps * inputs / (options_.input == Precision::kBf16 ? 2 : 1);
  // The share of one of `all` threads, fixed in advance so that threads never wait for each other
  // before the end.
  const auto share = [&](std::int64_t thread, std::int64_t all) {
    const void** pointers = tables + thread * each;
    for (std::int64_t start = 0; start < total; start += kPositionsPerPass) {
      const std::int64_t positions = std::min(kPositionsPerPass, total - start);
      const std::int64_t tiles = ceil_div(positions, most);
      const auto first = [&](std::int64_t tile) { return positions * tile / tiles; };
      const std::int64_t begin = groups * tiles * thread / all;
      const std::int64_t end = groups * tiles * (thread + 1) / all;
      if (begin == end) continue;
      const bool one_group = begin / tiles == (end - 1) / tiles;
      const std::int64_t from = one_group ? begin % tiles : 0;
      const std::int64_t to = one_group ? from + end - begin : tiles;
      for (std::int64_t t = from; t < to; ++t) {
        fill_table(pictures, start + first(t), first(t + 1) - first(t), pointers + first(t) * taps);
      }
      auto* out = static_cast<std::byte*>(dst) + start * out_ * width_;
      std::int64_t g = begin / tiles, t = begin % tiles;
      for (std::int64_t i = begin; i < end; ++i) {
        // The last group is usually followed by the first of the next layer on the shelf.
        const std::byte* group = weights + g * group_bytes;
        kernels_->at[first(t + 1) - first(t) - 1][group_ / 16 - 1](
            {.sources = pointers + first(t) * taps,
             .taps = taps,
             .in = inputs,
             .weights = group,
             .bias = bias_.data() + g * group_,
             .out = out + (first(t) * out_ + g * group_) * width_,
             .stride = out_,
             .relu = options_.relu,
             .accumulate = options_.accumulate,
             .ahead = ahead_of(group + group_bytes, group_bytes, t, tiles, steps)});
        if (++t == tiles) {
          t = 0;
          ++g;
        }
      }
    }
  };
  ThreadPool::shared().run(team, team, [&](std::int64_t part, int) { share(part, team); });
}

}  // namespace mien::kernels
