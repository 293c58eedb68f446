#include "mien/kernels/convolution.h"

#include <array>
#include <cmath>
#include <map>
#include <mutex>
#include <oneapi/dnnl/dnnl.hpp>
#include <optional>
#include <span>
#include <string>

#include "kernels/convolution_weights.h"
#include "kernels/direct_convolution.h"
#include "kernels/memory.h"
#include "kernels/workspace.h"
#include "mien/core/check.h"
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

Type to_dnnl(Precision precision) { return precision == Precision::kF32 ? Type::f32 : Type::bf16; }

dnnl::primitive_attr attributes(const ConvolutionOptions& options) {
  dnnl::post_ops ops;
  if (options.accumulate) ops.append_sum(1.0F);
  if (options.relu) ops.append_eltwise(1.0F, dnnl::algorithm::eltwise_relu, 0.0F, 0.0F);
  dnnl::primitive_attr attr;
  attr.set_post_ops(ops);
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attr;
}

Forward::primitive_desc described(dnnl::algorithm algorithm, const Md& src, const Md& weight,
                                  const Md& bias, const Md& dst,
                                  const ConvolutionOptions& options) {
  const dnnl::memory::dims strides = {options.stride, options.stride};
  const dnnl::memory::dims padding = {options.padding, options.padding};
  return {{dnnl::prop_kind::forward_inference, algorithm, src, weight, bias, dst, strides, padding,
           padding},
          attributes(options),
          cpu_engine()};
}

bool is_winograd(const ConvolutionOptions& options, std::int64_t kernel) {
  return options.from == PictureLayout::kBlocks && options.to == PictureLayout::kBlocks &&
         kernel == 3 && options.stride == 1 && options.padding == 1;
}

}  // namespace

bool has_block_convolution() {
  static const bool has = [] {
    const Md picture({1, 64, 14, 14}, Type::f32, Tag::nChw16c);
    const Md weight({64, 64, 3, 3}, Type::f32, Tag::any), bias({64}, Type::f32, Tag::a);
    try {
      described(dnnl::algorithm::convolution_winograd, picture, weight, bias, picture,
                {.padding = 1});
      return true;
    } catch (const dnnl::error&) {
      return false;  // no implementation for this CPU
    }
  }();
  return has;
}

ChannelAffine fold_batch_norm(std::span<const float> gain, std::span<const float> shift,
                              std::span<const float> mean, std::span<const float> variance,
                              float eps) {
  ChannelAffine out;
  for (std::size_t c = 0; c < gain.size(); ++c) {
    const float factor = gain[c] / std::sqrt(variance[c] + eps);
    out.factor.push_back(factor);
    out.shift.push_back(shift[c] - mean[c] * factor);
  }
  return out;
}

Status read_outputs(const ConvolutionWeights& weights, std::int64_t first, std::span<float> to) {
  const std::size_t row = weights.weight.size() / static_cast<std::size_t>(weights.weight.dim(0));
  const std::size_t width = byte_size(weights.weight.dtype()), count = to.size() / row;
  const auto start = static_cast<std::size_t>(first);
  MIEN_RETURN_IF_ERROR(copy_to_f32(
      TensorView(weights.weight.dtype(), {static_cast<std::int64_t>(to.size())},
                 weights.weight.bytes().subspan(start * row * width, to.size() * width)),
      to));
  if (weights.factor.empty()) return {};
  for (std::size_t o = 0; o < count; ++o) {
    const float factor = weights.factor[start + o];
    for (float& value : to.subspan(o * row, row)) value *= factor;
  }
  return {};
}

struct Convolution::Packed {
  struct Plan {
    Forward primitive;
    Md src, dst, scratchpad;
    dnnl::memory weight;
  };
  using Key = std::array<std::int64_t, 4>;  // count, height, width, threads

  std::int64_t in = 0, out = 0, kernel = 0;
  ConvolutionOptions options;
  std::shared_ptr<Shelf> shelf;             // of `direct`
  std::optional<DirectConvolution> direct;  // instead of all that follows
  std::vector<float> plain_values;          // [out, in, k, k]
  std::vector<float> bias_values;
  dnnl::memory bias;
  mutable std::mutex mutex;
  mutable std::vector<dnnl::memory> weights;  // in every layout that a plan needed
  mutable std::map<Key, std::shared_ptr<const Plan>> plans;

  std::int64_t out_size(std::int64_t size) const { return convolved_size(size, kernel, options); }

  Forward::primitive_desc describe(std::int64_t count, std::int64_t height,
                                   std::int64_t width) const {
    const Md src({count, in, height, width}, to_dnnl(options.input), to_dnnl(options.from));
    const Md dst({count, out, out_size(height), out_size(width)}, to_dnnl(options.output),
                 to_dnnl(options.to));
    const Md weight({out, in, kernel, kernel}, to_dnnl(options.input), Tag::any);
    const Md bias_md({out}, Type::f32, Tag::a);
    if (is_winograd(options, kernel) && has_block_convolution()) {
      try {
        return described(dnnl::algorithm::convolution_winograd, src, weight, bias_md, dst, options);
      } catch (const dnnl::error&) {
        // None for this size: the direct one has all sizes.
      }
    }
    return described(dnnl::algorithm::convolution_direct, src, weight, bias_md, dst, options);
  }

  // The weights in a layout, which few layouts serve for all sizes.
  dnnl::memory weights_as(const Md& wanted, dnnl::stream& stream) const {
    for (const dnnl::memory& known : weights) {
      if (known.get_desc() == wanted) return known;
    }
    dnnl::memory made(wanted, cpu_engine());
    dnnl::memory from(Md({out, in, kernel, kernel}, Type::f32, Tag::oihw), cpu_engine(),
                      const_cast<float*>(plain_values.data()));
    dnnl::reorder(from, made).execute(stream, from, made);
    stream.wait();
    weights.push_back(made);
    return made;
  }

  std::shared_ptr<const Plan> plan(std::int64_t count, std::int64_t height, std::int64_t width,
                                   dnnl::stream& stream) const {
    const std::lock_guard lock(mutex);
    const Key key = {count, height, width, threads()};
    if (const auto it = plans.find(key); it != plans.end()) return it->second;
    const Forward::primitive_desc desc = describe(count, height, width);
    auto made = std::make_shared<Plan>();
    made->weight = weights_as(desc.weights_desc(), stream);
    made->primitive = Forward(desc);
    made->src = desc.src_desc();
    made->dst = desc.dst_desc();
    made->scratchpad = desc.scratchpad_desc();
    constexpr std::size_t kMaxPlans = 64;
    if (plans.size() >= kMaxPlans) plans.clear();
    plans.emplace(key, made);
    return made;
  }
};

Result<Convolution> Convolution::pack(const ConvolutionWeights& weights,
                                      const ConvolutionOptions& options,
                                      std::shared_ptr<Shelf> shelf) {
  const TensorView& plain = weights.weight;
  const auto fits = [&](const std::vector<float>& values) {
    return values.empty() || values.size() == static_cast<std::size_t>(plain.dim(0));
  };
  if (plain.rank() != 4 || plain.size() == 0 || plain.dim(2) != plain.dim(3) ||
      !fits(weights.factor) || !fits(weights.bias)) {
    return invalid_argument("convolution: weight, factor or bias has the wrong number of values");
  }
  const bool blocks = options.from == PictureLayout::kBlocks,
             to = options.to == PictureLayout::kBlocks;
  if ((blocks && plain.dim(1) % 16 != 0) || (to && plain.dim(0) % 16 != 0) ||
      ((blocks || to) && options.input != Precision::kF32) ||
      (options.from == PictureLayout::kPlanes && plain.dim(1) > 4) ||
      options.to == PictureLayout::kPlanes) {
    return invalid_argument("convolution: a layout that its channels or its type do not have");
  }
  auto packed = std::make_shared<Packed>();
  packed->out = plain.dim(0);
  packed->in = plain.dim(1);
  packed->kernel = plain.dim(2);
  packed->options = options;
  if (DirectConvolution::serves(options, packed->in, packed->out)) {
    const bool own = shelf == nullptr;
    packed->shelf = own ? std::make_shared<Shelf>() : std::move(shelf);
    MIEN_ASSIGN_OR_RETURN(packed->direct,
                          DirectConvolution::pack(weights, options, *packed->shelf));
    if (own) packed->shelf->clear_bench();
  } else {
    packed->plain_values.resize(plain.size());
    MIEN_RETURN_IF_ERROR(read_outputs(weights, 0, packed->plain_values));
    packed->bias_values = weights.bias;
    packed->bias_values.resize(static_cast<std::size_t>(packed->out), 0.0F);
    try {
      packed->bias = dnnl::memory(Md({packed->out}, Type::f32, Tag::a), cpu_engine(),
                                  packed->bias_values.data());
    } catch (const dnnl::error& error) {
      return internal_error(std::string("convolution: oneDNN failed (") + error.what() + ")");
    }
  }
  Convolution out;
  out.packed_ = std::move(packed);
  return out;
}

std::int64_t Convolution::in() const { return packed_ ? packed_->in : 0; }
std::int64_t Convolution::out() const { return packed_ ? packed_->out : 0; }
std::int64_t Convolution::out_size(std::int64_t size) const { return packed_->out_size(size); }

Status Convolution::run(const void* src, std::int64_t count, std::int64_t height,
                        std::int64_t width, void* dst, Workspace& workspace) const {
  MIEN_CHECK(packed_ != nullptr && count > 0);
  Workspace::Impl& ws = workspace.impl();
  if (packed_->direct) {
    packed_->direct->run(src, count, height, width, dst, ws.table, ws.padded);
    return {};
  }
  // Winograd's variants differ by the number of pictures: one by one they are as fast, need one
  // copy of the weights, and give a picture the same numbers in any company.
  const bool one_by_one = is_winograd(packed_->options, packed_->kernel);
  const std::int64_t each = one_by_one ? 1 : count;
  try {
    const auto plan = packed_->plan(each, height, width, ws.stream);
    const dnnl::engine& engine = cpu_engine();
    void* scratch = ws.scratchpad.reserve(plan->scratchpad.get_size() + 64);
    // oneDNN takes non-const handles for inputs too; it does not write to them.
    auto* from = const_cast<std::byte*>(static_cast<const std::byte*>(src));
    auto* to = static_cast<std::byte*>(dst);
    for (std::int64_t done = 0; done < count; done += each) {
      dnnl::memory in(plan->src, engine, from), out(plan->dst, engine, to);
      dnnl::memory spare(plan->scratchpad, engine, scratch);
      plan->primitive.execute(ws.stream, {{DNNL_ARG_SRC, in},
                                          {DNNL_ARG_WEIGHTS, plan->weight},
                                          {DNNL_ARG_BIAS, packed_->bias},
                                          {DNNL_ARG_DST, out},
                                          {DNNL_ARG_SCRATCHPAD, spare}});
      from += plan->src.get_size();
      to += plan->dst.get_size();
    }
    ws.stream.wait();
  } catch (const dnnl::error& error) {
    return internal_error(std::string("convolution: oneDNN failed (") + error.what() + ")");
  }
  return {};
}

}  // namespace mien::kernels
