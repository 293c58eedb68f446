#include "kernels/int8_linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/blocks.h"
#include "kernels/parallel.h"
#include "mien/core/check.h"

namespace mien::kernels {
namespace {

std::int32_t to_step(float value, float scale) {
  const float step = std::nearbyint(value / scale);
  return static_cast<std::int32_t>(std::clamp(std::isnan(step) ? 0.0F : step, -127.0F, 127.0F));
}

float scale_of(float largest) {
  const float scale = largest / 127.0F;
  return scale > 0 && std::isfinite(scale) ? scale : 1.0F;
}

}  // namespace

void int8_scales(const float* weight, std::int64_t out, std::int64_t in, float* scales) {
  for (std::int64_t o = 0; o < out; ++o) {
    float largest = 0;
    for (std::int64_t i = 0; i < in; ++i) {
      largest = std::max(largest, std::abs(weight[o * in + i]));
    }
    scales[o] = scale_of(largest);
  }
}

Int8Linear Int8Linear::pack(const Int8Source& source, const Int8Options& options, Isa isa) {
  MIEN_CHECK(source.in > 0 && source.in <= kInt8MaxDepth && source.out > 0);
  const Int8Layout layout = int8_layout(isa);
  const bool quads = layout == Int8Layout::kQuads;
  const std::int64_t group = quads ? 4 : 2, panels = ceil_div(source.out, kPanel);
  Int8Linear made;
  made.out_ = source.out;
  made.depth_ = padded_depth(source.in, layout);
  made.row_bytes_ = kernels::row_bytes(source.in, layout);
  made.panel_bytes_ = made.depth_ * kPanel * (quads ? 1 : 2);
  made.options_ = options;
  made.ops_ = &vector_ops(isa);
  made.dot_ = int8_dot(isa);
  const auto padded = static_cast<std::size_t>(panels * kPanel);
  made.scales_.assign(padded, 0.0F);
  made.sums_.assign(padded, 0);
  made.bias_.assign(padded, 0.0F);
  if (source.bias != nullptr) std::copy_n(source.bias, source.out, made.bias_.begin());
  auto* packed =
      made.panels_.reserve_as<std::byte>(static_cast<std::size_t>(panels * made.panel_bytes_));
  const std::int64_t along = source.in_out ? source.out : 1;
  parallel_for(panels, [&](std::int64_t p) {
    std::byte* panel = packed + p * made.panel_bytes_;
    std::memset(panel, 0, static_cast<std::size_t>(made.panel_bytes_));
    for (std::int64_t c = 0; c < std::min(kPanel, source.out - p * kPanel); ++c) {
      const std::int64_t o = p * kPanel + c;
      const float* weight = source.weight + (source.in_out ? o : o * source.in);
      float scale = 0;
      if (source.scales != nullptr) {
        scale = source.scales[o];
      } else {
        for (std::int64_t i = 0; i < source.in; ++i)
          scale = std::max(scale, std::abs(weight[i * along]));
        scale = scale_of(scale);
      }
      std::int32_t sum = 0;
      for (std::int64_t i = 0; i < source.in; ++i) {
        const std::int32_t step = to_step(weight[i * along], scale);
        const std::int64_t at = (i / group * kPanel + c) * group + i % group;
        sum += step;
        if (quads) {
          const auto value = static_cast<std::int8_t>(step);
          std::memcpy(panel + at, &value, 1);
        } else {
          const auto value = static_cast<std::int16_t>(step);
          std::memcpy(panel + at * 2, &value, 2);
        }
      }
      made.scales_[static_cast<std::size_t>(o)] = scale;
      made.sums_[static_cast<std::size_t>(o)] = sum;
    }
  });
  return made;
}

// A panel of weights is read from the second-level cache for one tile of rows after another.
void Int8Linear::block(const std::byte* src, std::int64_t first, std::int64_t last,
                       std::int64_t panel_first, std::int64_t panel_last, void* dst) const {
  alignas(64) std::int32_t sums[kTileRows * kPanel];
  const auto* packed = static_cast<const std::byte*>(panels_.data());
  const std::int64_t element = options_.out_bf16 ? 2 : 4;
  for (std::int64_t p = panel_first; p < panel_last; ++p) {
    const auto column = static_cast<std::size_t>(p * kPanel);
    const std::byte* panel = packed + p * panel_bytes_;
    const std::byte* next = p + 1 < panel_last ? panel + panel_bytes_ : panel;
    for (std::int64_t r = first; r < last; r += kTileRows) {
      const std::int64_t count = std::min(kTileRows, last - r);
      const std::byte* row = src + r * row_bytes_;
      dot_(row + kRowHead, row_bytes_, count, panel, depth_, sums,
           ahead_of(next, panel_bytes_, (r - first) / kTileRows, ceil_div(last - first, kTileRows),
                    ceil_div(depth_, kAheadDepth)));
      ops_->int8_finish({sums, row, row_bytes_, count, std::min(kPanel, out_ - p * kPanel),
                         scales_.data() + column, sums_.data() + column, bias_.data() + column,
                         options_.activation, options_.accumulate, options_.out_bf16,
                         static_cast<std::byte*>(dst) + (r * out_ + p * kPanel) * element, out_});
    }
  }
}

void Int8Linear::run(const void* src, std::int64_t rows, void* dst) const {
  const std::int64_t threads = kernels::threads();
  const auto* from = static_cast<const std::byte*>(src);
  Blocks::cut(rows, row_bytes_, kTileRows, ceil_div(out_, kPanel), threads)
      .run(threads, [&](std::int64_t first, std::int64_t last, std::int64_t panel_first,
                        std::int64_t panel_last) {
        block(from, first, last, panel_first, panel_last, dst);
      });
}

}  // namespace mien::kernels
