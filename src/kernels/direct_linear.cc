#include "kernels/direct_linear.h"

#include <cstddef>

#include "kernels/blocks.h"
#include "kernels/direct_convolution.h"
#include "kernels/pack.h"
#include "kernels/parallel.h"
#include "mien/core/check.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
bool DirectLinear::serves(const LinearOptions& options, std::int64_t in, std::int64_t out) {
  const bool bf16 = options.input == Precision::kBf16;
  return direct_group(out) > 0 && (!bf16 || in % 2 == 0) &&
         direct_kernels(options.input) != nullptr;
}

DirectLinear DirectLinear::pack(const float* weight, std::vector<float> bias, std::int64_t in,
                                std::int64_t out, const LinearOptions& options) {
  DirectLinear made;
  made.options_ = options;
  made.in_ = in;
  made.out_ = out;
  made.group_ = direct_group(out);
  made.kernels_ = direct_kernels(options.input);
  made.ops_ = &vector_ops(active_isa());
  made.bias_ = std::move(bias);
  MIEN_CHECK(made.group_ > 0 && made.kernels_ != nullptr);
  const bool bf16 = options.input == Precision::kBf16;
  made.width_ = bf16 ? sizeof(std::uint16_t) : sizeof(float);
  auto* packed =
      made.panels_.reserve_as<std::byte>(static_cast<std::size_t>(in * out * made.width_));
  const std::int64_t group = made.group_;
  const int team = packing_team(in * out);
  parallel_for(out / group, team, [&](std::int64_t g) {
    pack_panel(weight, in, out, g * group, group, options.weight_is_in_out, bf16,
               packed + g * group * in * made.width_);
  });
  return made;
}

void DirectLinear::block(const std::byte* src, std::int64_t first, std::int64_t last,
                         std::int64_t panel_first, std::int64_t panel_last, void* dst) const {
  alignas(64) float sums[kTilePositions * 64];
  const void* sources[kTilePositions];
  const auto* packed = static_cast<const std::byte*>(panels_.data());
  const std::int64_t tiles = ceil_div(last - first, positions_of(group_));
  const std::int64_t element = options_.output == Precision::kBf16 ? 2 : 4;
  const auto begin = [&](std::int64_t tile) { return first + (last - first) * tile / tiles; };
  const std::int64_t panel_bytes = group_ * in_ * width_;
  const std::int64_t steps = in_ / (options_.input == Precision::kBf16 ? 2 : 1);
  for (std::int64_t p = panel_first; p < panel_last; ++p) {
    const std::byte* panel = packed + p * panel_bytes;
    const std::byte* next = p + 1 < panel_last ? panel + panel_bytes : panel;
    for (std::int64_t t = 0; t < tiles; ++t) {
      const std::int64_t row = begin(t), count = begin(t + 1) - row;
      for (std::int64_t r = 0; r < count; ++r) sources[r] = src + (row + r) * in_ * width_;
      kernels_->sums[count - 1][group_ / 16 - 1](
          {.sources = sources,
           .taps = 1,
           .in = in_,
           .weights = panel,
           .bias = bias_.data() + p * group_,
           .out = sums,
           .stride = group_,
           .relu = false,
           .accumulate = false,
           .ahead = ahead_of(next, panel_bytes, t, tiles, steps)});
      ops_->finish({.sums = sums,
                    .sums_stride = group_,
                    .rows = count,
                    .columns = group_,
                    .activation = options_.activation,
                    .accumulate = options_.accumulate,
                    .out_bf16 = options_.output == Precision::kBf16,
                    .out = static_cast<std::byte*>(dst) + (row * out_ + p * group_) * element,
                    .out_stride = out_});
    }
  }
}

void DirectLinear::run(const void* src, std::int64_t rows, void* dst) const {
  const std::int64_t threads = team_for(rows * in_ * out_);
  const auto* from = static_cast<const std::byte*>(src);
  Blocks::cut(rows, in_ * width_, positions_of(group_), out_ / group_, threads)
      .run(threads, [&](std::int64_t first, std::int64_t last, std::int64_t panel_first,
                        std::int64_t panel_last) {
        block(from, first, last, panel_first, panel_last, dst);
      });
}

}  // namespace mien::kernels
