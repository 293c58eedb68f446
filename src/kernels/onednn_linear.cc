#include "kernels/onednn_linear.h"

#include <algorithm>
#include <array>

#include "kernels/blocks.h"
#include "kernels/direct_convolution.h"
#include "kernels/memory.h"
#include "kernels/onednn.h"
#include "kernels/workspace.h"

namespace mien::kernels {
namespace {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

dnnl::primitive_attr attributes(const LinearOptions& options) {
  dnnl::post_ops ops;
  if (options.accumulate) ops.append_sum(1.0F);
  switch (options.activation) {
    case Activation::kNone: break;
    case Activation::kGelu:
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_gelu_erf, 0.0F, 0.0F);
      break;
    case Activation::kGeluTanh:
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_gelu_tanh, 0.0F, 0.0F);
      break;
    case Activation::kQuickGelu:
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_swish, 1.702F, 0.0F);
      break;
    case Activation::kRelu:
      ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
      break;
  }
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

std::int64_t element(Precision precision) { return precision == Precision::kF32 ? 4 : 2; }

/// [rows, columns] with the elements of a row, or of a column, contiguous.
Md matrix(std::int64_t rows, std::int64_t columns, Type type, std::int64_t row_step,
          std::int64_t column_step) {
  return Md({rows, columns}, type, dnnl::memory::dims{row_step, column_step});
}

/// The order of the weights that is fastest for products of many rows.
bool wants_out_first(std::int64_t in, std::int64_t out, const LinearOptions& options) {
  constexpr std::int64_t kUsualRows = 800;
  const Type type = to_dnnl(options.input);
  const Md src({kUsualRows, in}, type, Tag::ab);
  const Md dst({kUsualRows, out}, to_dnnl(options.output), Tag::ab);
  const dnnl::inner_product_forward::primitive_desc wanted(
      {dnnl::prop_kind::forward_inference, src, Md({out, in}, type, Tag::any),
       Md({out}, Type::f32, Tag::a), dst},
      attributes(options), cpu_engine());
  return wanted.weights_desc() != Md({out, in}, type, Tag::ba);
}

/// Rows and outputs of a part. Many rows are divided, because packing the weights again then costs
/// little, into equally many parts per thread. For few rows the outputs are divided.
std::pair<std::int64_t, std::int64_t> part_size(std::int64_t rows, std::int64_t out, int team) {
  constexpr std::int64_t kManyRows = 1024, kRows = 800, kFewestRows = 192, kOutputs = 384;
  const auto nearest = [](std::int64_t count, std::int64_t each) {
    return std::max<std::int64_t>(1, (count + each / 2) / each);
  };
  const auto cut = [](std::int64_t count, std::int64_t parts, std::int64_t step) {
    return ceil_div(ceil_div(count, parts), step) * step;
  };
  if (rows < kManyRows) return {rows, std::min(out, cut(out, nearest(out, kOutputs), 16))};
  const std::int64_t even = ceil_div(nearest(rows, kRows), team) * team;
  return {cut(rows, std::min(even, rows / kFewestRows), 8), out};
}

}  // namespace

OneDnnLinear::OneDnnLinear(const float* weight, std::vector<float> bias, std::int64_t in,
                           std::int64_t out, const LinearOptions& options)
    : in_(in), out_(out), options_(options), bias_(std::move(bias)) {
  const OneOpenMpThread alone;
  out_first_ = wants_out_first(in, out, options);
  copy(weight);
}

void OneDnnLinear::copy(const float* weight) {
  const std::int64_t width = element(options_.input);
  auto* to = weights_.reserve_as<std::byte>(static_cast<std::size_t>(in_ * out_ * width));
  constexpr std::int64_t kEach = 64;  // outputs
  const std::int64_t from_out = options_.weight_is_in_out ? 1 : in_;
  const std::int64_t from_in = options_.weight_is_in_out ? out_ : 1;
  const std::int64_t to_out = out_first_ ? in_ : 1, to_in = out_first_ ? 1 : out_;
  dnnl::stream stream(cpu_engine());
  ThreadPool::shared().run(
      ceil_div(out_, kEach), packing_team(in_ * out_), [&](std::int64_t n, int) {
        const OneOpenMpThread alone;
        const std::int64_t first = n * kEach, count = std::min(kEach, out_ - first);
        dnnl::memory source(matrix(count, in_, Type::f32, from_out, from_in), cpu_engine(),
                            const_cast<float*>(weight + first * from_out));
        dnnl::memory target(matrix(count, in_, to_dnnl(options_.input), to_out, to_in),
                            cpu_engine(), to + first * to_out * width);
        dnnl::reorder(source, target).execute(stream, source, target);
      });
}

std::shared_ptr<const OneDnnLinear::Part> OneDnnLinear::part(const Size& size) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = parts_.find(size); known != parts_.end()) return known->second;
  const auto [rows, outputs] = size;
  auto made = std::make_shared<Part>();
  const Type type = to_dnnl(options_.input);
  made->src = Md({rows, in_}, type, Tag::ab);
  made->weight = matrix(in_, outputs, type, out_first_ ? 1 : out_, out_first_ ? in_ : 1);
  made->bias = Md({1, outputs}, Type::f32, Tag::ab);
  made->dst = matrix(rows, outputs, to_dnnl(options_.output), out_, 1);
  const dnnl::matmul::primitive_desc desc({made->src, made->weight, made->bias, made->dst},
                                          attributes(options_), cpu_engine());
  made->primitive = dnnl::matmul(desc);
  made->scratchpad = desc.scratchpad_desc();
  constexpr std::size_t kMost = 64;  // clips end with odd batch sizes, which must not pile up
  if (parts_.size() >= kMost) parts_.clear();
  parts_.emplace(size, made);
  return made;
}

void OneDnnLinear::run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const {
  const OneOpenMpThread alone;
  const int team = team_for(rows * in_ * out_);
  const auto each = part_size(
      rows, out_, ThreadPool::threads_of(team));  // no structured binding: a lambda captures these
  const std::int64_t rows_each = each.first, outputs_each = each.second;
  const std::int64_t down = ceil_div(rows, rows_each), across = ceil_div(out_, outputs_each);
  const std::int64_t last_rows = rows - (down - 1) * rows_each;
  const std::int64_t last_outputs = out_ - (across - 1) * outputs_each;
  // For inner parts, the right edge, the lower edge and the corner.
  const std::array<std::shared_ptr<const Part>, 4> kinds = {
      part({down > 1 ? rows_each : last_rows, across > 1 ? outputs_each : last_outputs}),
      part({down > 1 ? rows_each : last_rows, last_outputs}),
      part({last_rows, across > 1 ? outputs_each : last_outputs}), part({last_rows, last_outputs})};
  std::size_t scratch_each = 0;
  for (const auto& kind : kinds) {
    scratch_each = std::max(scratch_each, scratch_bytes(kind->scratchpad));
  }
  Workspace::Impl& ws = workspace.impl();
  auto* scratch = ws.scratchpad.reserve_as<std::byte>(
      scratch_each * static_cast<std::size_t>(ThreadPool::threads_of(team)));
  const std::int64_t from_width = element(options_.input), to_width = element(options_.output);
  ThreadPool::shared().run(down * across, team, [&](std::int64_t n, int slot) {
    const OneOpenMpThread also_here;
    const std::int64_t i = n / across, j = n % across, row = i * rows_each,
                       first = j * outputs_each;
    const Part& of = *kinds[(i + 1 == down ? 2U : 0U) + (j + 1 == across ? 1U : 0U)];
    const dnnl::engine& engine = cpu_engine();
    // oneDNN takes non-const handles for inputs too; it does not write to them.
    auto* from = const_cast<std::byte*>(static_cast<const std::byte*>(src));
    auto* weight = const_cast<std::byte*>(static_cast<const std::byte*>(weights_.data()));
    of.primitive.execute(
        ws.stream,
        {{DNNL_ARG_SRC, {of.src, engine, from + row * in_ * from_width}},
         {DNNL_ARG_WEIGHTS,
          {of.weight, engine, weight + first * (out_first_ ? in_ : 1) * from_width}},
         {DNNL_ARG_BIAS, {of.bias, engine, const_cast<float*>(bias_.data() + first)}},
         {DNNL_ARG_DST,
          {of.dst, engine, static_cast<std::byte*>(dst) + (row * out_ + first) * to_width}},
         {DNNL_ARG_SCRATCHPAD,
          {of.scratchpad, engine, scratch + static_cast<std::size_t>(slot) * scratch_each}}});
  });
}

}  // namespace mien::kernels
