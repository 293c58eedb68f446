#include "mien/kernels/linear.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <string>

#include "kernels/direct_linear.h"
#include "kernels/int8_linear.h"
#include "kernels/memory.h"
#include "kernels/workspace.h"
#include "mien/kernels/cpu.h"

namespace mien::kernels {
namespace {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
using Type = dnnl::memory::data_type;

Type to_dnnl(Precision precision) { return precision == Precision::kF32 ? Type::f32 : Type::bf16; }

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

// A weight that is not float32, in float32. An I8 weight comes back as whole multiples of its
// scales.
Result<Tensor> widen(const TensorView& weight, const LinearOptions& options) {
  if (weight.dtype() != DType::kI8 || options.scales.empty()) return to_f32(weight);
  const std::int64_t out = weight.dim(0), in = weight.dim(1);
  if (options.weight_is_in_out || std::ssize(options.scales) != out) {
    return invalid_argument(
        fmt::format("linear weight: has {} scales for {} outputs", options.scales.size(), out));
  }
  Tensor wide(DType::kF32, weight.shape());
  const auto* from = reinterpret_cast<const std::int8_t*>(weight.bytes().data());
  float* to = wide.f32().data();
#pragma omp parallel for schedule(static)
  for (std::int64_t o = 0; o < out; ++o) {
    const float scale = options.scales[static_cast<std::size_t>(o)];
    for (std::int64_t i = 0; i < in; ++i) {
      to[o * in + i] = static_cast<float>(from[o * in + i]) * scale;
    }
  }
  return wide;
}

}  // namespace

std::vector<float> int8_scales(std::span<const float> weight, std::int64_t out) {
  std::vector<float> scales(static_cast<std::size_t>(out));
  int8_scales(weight.data(), out, std::ssize(weight) / out, scales.data());
  return scales;
}

struct Linear::Packed {
  using PrimitiveDesc = dnnl::inner_product_forward::primitive_desc;

  struct Plan {
    dnnl::inner_product_forward primitive;
    Md src;
    Md dst;
    Md scratchpad;
    std::size_t scratchpad_bytes = 0;
    dnnl::memory weight;  // `weights`, or a copy in the layout that this row count needs
  };

  std::int64_t in = 0;
  std::int64_t out = 0;
  LinearOptions options;
  std::optional<Int8Linear> int8;      // instead of all that follows
  std::optional<DirectLinear> direct;  // likewise
  Buffer storage;
  dnnl::memory weights;
  std::vector<float> bias_values;
  dnnl::memory bias;
  // Plans are made on first use of a row count; making one is rare and guarded, using one is
  // lock-free after look-up.
  mutable std::mutex mutex;
  // oneDNN fixes the number of threads in a primitive when it is made, so it is part of the key.
  mutable std::map<std::pair<std::int64_t, int>, std::shared_ptr<const Plan>> plans;

  PrimitiveDesc describe(std::int64_t rows, const Md& weight_md) const {
    const Md src({rows, in}, to_dnnl(options.input), Tag::ab);
    const Md dst({rows, out}, to_dnnl(options.output), Tag::ab);
    const Md bias_md({out}, Type::f32, Tag::a);
    return PrimitiveDesc({dnnl::prop_kind::forward_inference, src, weight_md, bias_md, dst},
                         attributes(options), cpu_engine());
  }
  Md any_weight() const { return Md({out, in}, to_dnnl(options.input), Tag::any); }

  std::shared_ptr<const Plan> plan(std::int64_t rows, dnnl::stream& stream) const {
    const std::lock_guard lock(mutex);
    const std::pair<std::int64_t, int> key(rows, threads());
    if (const auto it = plans.find(key); it != plans.end()) return it->second;
    auto made = std::make_shared<Plan>();
    const PrimitiveDesc desc = describe(rows, any_weight());
    made->weight = weights;
    if (desc.weights_desc() != weights.get_desc()) {
      made->weight = dnnl::memory(desc.weights_desc(), cpu_engine());
      dnnl::memory from = weights;
      dnnl::reorder(from, made->weight).execute(stream, from, made->weight);
      stream.wait();
    }
    made->primitive = dnnl::inner_product_forward(desc);
    made->src = desc.src_desc();
    made->dst = desc.dst_desc();
    made->scratchpad = desc.scratchpad_desc();
    made->scratchpad_bytes = made->scratchpad.get_size();
    constexpr std::size_t kMaxPlans =
        64;  // clips end with odd batch sizes; do not collect them for ever
    if (plans.size() >= kMaxPlans) plans.clear();
    plans.emplace(key, made);
    return made;
  }
};

Result<Linear> Linear::pack(const TensorView& weight, const TensorView* bias,
                            const LinearOptions& options) {
  if (weight.rank() != 2 || weight.size() == 0) {
    return invalid_argument("linear weight: has shape " + mien::to_string(weight.shape()) +
                            " (expected two dimensions)");
  }
  MIEN_CHECK(!options.accumulate || options.output == Precision::kF32);
  MIEN_CHECK(options.output != Precision::kInt8);
  auto packed = std::make_shared<Packed>();
  packed->options = options;
  packed->out = weight.dim(options.weight_is_in_out ? 1 : 0);
  packed->in = weight.dim(options.weight_is_in_out ? 0 : 1);
  packed->bias_values.assign(static_cast<std::size_t>(packed->out), 0.0F);
  if (bias != nullptr) {
    if (bias->shape() != Shape{packed->out}) {
      return invalid_argument("linear bias: has shape " + mien::to_string(bias->shape()) +
                              " (expected " + mien::to_string(Shape{packed->out}) + ")");
    }
    MIEN_RETURN_IF_ERROR(copy_to_f32(*bias, packed->bias_values));
  }
  // F32 weights are read where they lie; others are widened first.
  Tensor widened;
  const std::byte* source = weight.bytes().data();
  if (weight.dtype() != DType::kF32) {
    MIEN_ASSIGN_OR_RETURN(widened, widen(weight, options));
    source = widened.bytes().data();
  }
  packed->options.scales = {};
  if (options.input == Precision::kInt8) {
    if (packed->in > kInt8MaxDepth) {
      return unsupported(fmt::format("linear weight: has {} inputs (expected at most {} for int8)",
                                     packed->in, kInt8MaxDepth));
    }
    packed->int8 =
        Int8Linear::pack({.weight = reinterpret_cast<const float*>(source),
                          .out = packed->out,
                          .in = packed->in,
                          .in_out = options.weight_is_in_out,
                          .bias = packed->bias_values.data(),
                          .scales = weight.dtype() == DType::kI8 ? options.scales.data() : nullptr},
                         {.activation = options.activation,
                          .accumulate = options.accumulate,
                          .out_bf16 = options.output == Precision::kBf16},
                         active_isa());
    Linear linear;
    linear.packed_ = std::move(packed);
    return linear;
  }
  if (DirectLinear::serves(options, packed->in, packed->out)) {
    packed->direct =
        DirectLinear::pack(reinterpret_cast<const float*>(source), std::move(packed->bias_values),
                           packed->in, packed->out, packed->options);
    Linear linear;
    linear.packed_ = std::move(packed);
    return linear;
  }
  try {
    constexpr std::int64_t kUsualRows = 800;
    const Md wanted = packed->describe(kUsualRows, packed->any_weight()).weights_desc();
    const dnnl::engine& engine = cpu_engine();
    dnnl::stream stream(engine);
    void* storage = packed->storage.reserve(wanted.get_size());
    packed->weights = dnnl::memory(wanted, engine, storage);
    const Md plain({packed->out, packed->in}, Type::f32,
                   options.weight_is_in_out ? Tag::ba : Tag::ab);
    dnnl::memory from(plain, engine, const_cast<std::byte*>(source));
    dnnl::reorder(from, packed->weights).execute(stream, from, packed->weights);
    stream.wait();
    packed->bias =
        dnnl::memory(Md({packed->out}, Type::f32, Tag::a), engine, packed->bias_values.data());
  } catch (const dnnl::error& error) {
    return internal_error(std::string("linear layer: oneDNN failed (") + error.what() + ")");
  }
  Linear linear;
  linear.packed_ = std::move(packed);
  return linear;
}

std::int64_t Linear::in() const { return packed_ ? packed_->in : 0; }
std::int64_t Linear::out() const { return packed_ ? packed_->out : 0; }

Status Linear::run(const void* src, std::int64_t rows, void* dst, Workspace& workspace) const {
  MIEN_CHECK(packed_ != nullptr && rows > 0);
  if (packed_->int8) {
    packed_->int8->run(src, rows, dst);
    return {};
  }
  if (packed_->direct) {
    packed_->direct->run(src, rows, dst);
    return {};
  }
  Workspace::Impl& ws = workspace.impl();
  try {
    const auto plan = packed_->plan(rows, ws.stream);
    const dnnl::engine& engine = cpu_engine();
    // oneDNN takes non-const handles for inputs too; it does not write to them.
    dnnl::memory in(plan->src, engine, const_cast<void*>(src));
    dnnl::memory out(plan->dst, engine, dst);
    dnnl::memory scratch(plan->scratchpad, engine,
                         ws.scratchpad.reserve(plan->scratchpad_bytes + 64));
    plan->primitive.execute(ws.stream, {{DNNL_ARG_SRC, in},
                                        {DNNL_ARG_WEIGHTS, plan->weight},
                                        {DNNL_ARG_BIAS, packed_->bias},
                                        {DNNL_ARG_DST, out},
                                        {DNNL_ARG_SCRATCHPAD, scratch}});
    ws.stream.wait();
  } catch (const dnnl::error& error) {
    return internal_error(std::string("linear layer: oneDNN failed (") + error.what() + ")");
  }
  return {};
}

}  // namespace mien::kernels
