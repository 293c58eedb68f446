#include "kernels/onednn_convolution.h"

#include <algorithm>
#include <utility>

#include "core/thread_pool.h"
#include "kernels/direct_convolution.h"
#include "kernels/memory.h"
#include "kernels/onednn.h"
#include "kernels/workspace.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
namespace {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;
using Forward = dnnl::convolution_forward;

Tag to_dnnl(PictureLayout layout) {
  switch (layout) {
    case PictureLayout::kPlanes: return Tag::nchw;
    case PictureLayout::kBlocks: return Tag::nChw16c;
    default: return Tag::nhwc;
  }
}

dnnl::primitive_attr attributes(const ConvolutionOptions& options) {
  dnnl::post_ops ops;
  if (options.accumulate) ops.append_sum(1.0F);
  if (options.relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

bool is_winograd(const ConvolutionOptions& options, std::int64_t kernel) {
  return options.from == PictureLayout::kBlocks && options.to == PictureLayout::kBlocks &&
         kernel == 3 && options.stride == 1 && options.padding == 1 && has_block_convolution();
}

}  // namespace

bool has_block_convolution() {
  static const bool has = [] {
    const OneOpenMpThread alone;
    const Md picture({1, 64, 14, 14}, Type::f32, Tag::nChw16c);
    const Md weight({64, 64, 3, 3}, Type::f32, Tag::any), bias({64}, Type::f32, Tag::a);
    try {
      const Forward::primitive_desc found({dnnl::prop_kind::forward_inference,
                                           dnnl::algorithm::convolution_winograd,
                                           picture,
                                           weight,
                                           bias,
                                           picture,
                                           {1, 1},
                                           {1, 1},
                                           {1, 1}},
                                          attributes({.padding = 1}), cpu_engine());
      return true;
    } catch (const dnnl::error&) {
      return false;  // no implementation for this CPU
    }
  }();
  return has;
}

OneDnnConvolution::OneDnnConvolution(std::vector<float> values, std::vector<float> bias,
                                     std::int64_t in, std::int64_t out, std::int64_t kernel,
                                     const ConvolutionOptions& options)
    : in_(in),
      out_(out),
      kernel_(kernel),
      options_(options),
      winograd_(is_winograd(options, kernel)),
      values_(std::move(values)),
      bias_values_(std::move(bias)),
      bias_(Md({out}, Type::f32, Tag::a), cpu_engine(), bias_values_.data()) {}

Forward::primitive_desc OneDnnConvolution::describe(const Size& size) const {
  const auto [lines, width, above, below] = size;
  const std::int64_t out_lines = (lines + above + below - kernel_) / options_.stride + 1;
  const Md src({1, in_, lines, width}, to_dnnl(options_.input), to_dnnl(options_.from));
  const Md dst({1, out_, out_lines, convolved_size(width, kernel_, options_)},
               to_dnnl(options_.output), to_dnnl(options_.to));
  const Md weight({out_, in_, kernel_, kernel_}, to_dnnl(options_.input), Tag::any);
  const dnnl::memory::dims strides = {options_.stride, options_.stride};
  const auto described = [&, above = above,
                          below = below](dnnl::algorithm algorithm) -> Forward::primitive_desc {
    return {{dnnl::prop_kind::forward_inference,
             algorithm,
             src,
             weight,
             Md({out_}, Type::f32, Tag::a),
             dst,
             strides,
             {above, options_.padding},
             {below, options_.padding}},
            attributes(options_),
            cpu_engine()};
  };
  if (winograd_) {
    try {
      return described(dnnl::algorithm::convolution_winograd);
    } catch (const dnnl::error&) {
      // None for this size: the direct algorithm has all sizes.
    }
  }
  return described(dnnl::algorithm::convolution_direct);
}

/// The weights in the layout of a primitive; all sizes together need few layouts.
dnnl::memory OneDnnConvolution::weights_as(const Md& wanted) const {
  for (const dnnl::memory& known : weights_) {
    if (known.get_desc() == wanted) return known;
  }
  dnnl::memory made(wanted, cpu_engine());
  dnnl::memory from(Md({out_, in_, kernel_, kernel_}, Type::f32, Tag::oihw), cpu_engine(),
                    const_cast<float*>(values_.data()));
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(from, made).execute(stream, from, made);
  stream.wait();
  weights_.push_back(made);
  return made;
}

std::shared_ptr<const OneDnnConvolution::Part> OneDnnConvolution::part(const Size& size) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = parts_.find(size); known != parts_.end()) return known->second;
  const Forward::primitive_desc desc = describe(size);
  auto made = std::make_shared<Part>();
  made->weight = weights_as(desc.weights_desc());
  made->primitive = Forward(desc);
  made->src = desc.src_desc();
  made->dst = desc.dst_desc();
  made->scratchpad = desc.scratchpad_desc();
  constexpr std::size_t kMost = 64;
  if (parts_.size() >= kMost) parts_.clear();
  parts_.emplace(size, made);
  return made;
}

/// The input lines for the output lines [first, last): at least one, because the border is smaller
/// than a kernel.
OneDnnConvolution::Lines OneDnnConvolution::lines_of(std::int64_t first, std::int64_t last,
                                                     std::int64_t height) const {
  const std::int64_t begin = first * options_.stride - options_.padding;
  const std::int64_t end = (last - 1) * options_.stride - options_.padding + kernel_;
  const std::int64_t from = std::max<std::int64_t>(begin, 0), to = std::min(end, height);
  return {.first = from, .count = to - from, .above = from - begin, .below = end - to};
}

/// Parts of one picture.
std::int64_t OneDnnConvolution::cuts(std::int64_t count, std::int64_t out_height,
                                     std::int64_t out_width) const {
  constexpr std::int64_t kEnough = 8, kWorthIt = 4'000'000;
  if (count >= kEnough || options_.from != PictureLayout::kChannelsLast ||
      options_.to != PictureLayout::kChannelsLast || options_.padding >= kernel_) {
    return 1;
  }
  const std::int64_t products = out_height * out_width * out_ * in_ * kernel_ * kernel_;
  return std::max<std::int64_t>(1, std::min({kEnough / count, products / kWorthIt, out_height}));
}

void OneDnnConvolution::run(const void* src, std::int64_t count, std::int64_t height,
                            std::int64_t width, void* dst, Workspace& workspace) const {
  struct Cut {
    std::shared_ptr<const Part> part;
    std::int64_t from, to;  // bytes into a picture
  };
  const OneOpenMpThread alone;
  const std::int64_t out_height = convolved_size(height, kernel_, options_);
  const std::int64_t out_width = convolved_size(width, kernel_, options_);
  const std::int64_t each = cuts(count, out_height, out_width);
  const std::int64_t in_bytes = options_.input == Precision::kF32 ? 4 : 2;
  const std::int64_t out_bytes = options_.output == Precision::kF32 ? 4 : 2;
  std::vector<Cut> parts;
  std::size_t scratch_each = 0;
  for (std::int64_t i = 0; i < each; ++i) {
    const std::int64_t first = out_height * i / each;
    const Lines lines = each == 1 ? Lines{0, height, options_.padding, options_.padding}
                                  : lines_of(first, out_height * (i + 1) / each, height);
    parts.push_back({part({lines.count, width, lines.above, lines.below}),
                     lines.first * width * in_ * in_bytes, first * out_width * out_ * out_bytes});
    scratch_each = std::max(scratch_each, scratch_bytes(parts.back().part->scratchpad));
  }
  const int team = team_for(count * out_height * out_width * out_ * in_ * kernel_ * kernel_);
  Workspace::Impl& ws = workspace.impl();
  auto* scratch = ws.scratchpad.reserve_as<std::byte>(
      scratch_each * static_cast<std::size_t>(ThreadPool::threads_of(team)));
  // oneDNN takes non-const handles for inputs too; it does not write to them.
  auto* pictures = const_cast<std::byte*>(static_cast<const std::byte*>(src));
  auto* made = static_cast<std::byte*>(dst);
  ThreadPool::shared().run(count * each, team, [&](std::int64_t n, int slot) {
    const OneOpenMpThread also_here;
    const std::int64_t picture = n / each;
    const Cut& cut = parts[static_cast<std::size_t>(n % each)];
    const Part& of = *cut.part;
    const dnnl::engine& engine = cpu_engine();
    std::byte* from = pictures + picture * height * width * in_ * in_bytes + cut.from;
    std::byte* to = made + picture * out_height * out_width * out_ * out_bytes + cut.to;
    of.primitive.execute(
        ws.stream,
        {{DNNL_ARG_SRC, {of.src, engine, from}},
         {DNNL_ARG_WEIGHTS, of.weight},
         {DNNL_ARG_BIAS, bias_},
         {DNNL_ARG_DST, {of.dst, engine, to}},
         {DNNL_ARG_SCRATCHPAD,
          {of.scratchpad, engine, scratch + static_cast<std::size_t>(slot) * scratch_each}}});
  });
}

}  // namespace mien::kernels
