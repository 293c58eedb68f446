#include "engine/transformer.h"

#include <cstring>

#include "engine/stored_precision.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"
#include "mien/kernels/cpu.h"

namespace mien::engine {
namespace {

using kernels::Linear;
using kernels::LinearOptions;
using kernels::Precision;

}  // namespace

void* reserve_rows(kernels::Buffer& buffer, Precision precision, std::int64_t rows,
                   std::int64_t width) {
  return buffer.reserve(static_cast<std::size_t>(kernels::bytes_of_rows(precision, rows, width)));
}

Precision between_layers(Precision layers) {
  return layers == Precision::kInt8 ? Precision::kBf16 : layers;
}

Precision without_int8(Precision precision) {
  if (precision != Precision::kInt8) return precision;
  return kernels::has_fast_bf16() ? Precision::kBf16 : Precision::kF32;
}

const void* layer_input(const void* rows, std::int64_t count, const Linear& layer,
                        Precision precision, kernels::Buffer& buffer) {
  if (precision != Precision::kInt8) return rows;
  void* quantised = reserve_rows(buffer, precision, count, layer.in());
  kernels::quantise_rows(rows, between_layers(precision), count, layer.in(), quantised);
  return quantised;
}

Result<Linear> load_linear(const checkpoint::Checkpoint& weights, const std::string& weight_name,
                           const std::string& bias_name, const LinearOptions& options) {
  const TensorView* weight = weights.find(weight_name);
  const TensorView* bias = bias_name.empty() ? nullptr : weights.find(bias_name);
  MIEN_CHECK(weight != nullptr && (bias != nullptr || bias_name.empty()));
  LinearOptions all = options;
  std::vector<float> scales;
  if (weight->dtype() == DType::kI8) {
    MIEN_ASSIGN_OR_RETURN(scales, load_vector(weights, weight_name + kScaleSuffix));
    all.scales = scales;
  }
  auto linear = Linear::pack(*weight, bias, all);
  if (!linear.ok()) return linear.status().with_prefix(weight_name);
  weights.release(*weight);
  return linear;
}

Result<Linear> load_linear(const checkpoint::Checkpoint& weights, const std::string& name,
                           const LinearOptions& options) {
  return load_linear(weights, name + ".weight", name + ".bias", options);
}

Session::Session() : impl_(std::make_unique<Impl>()) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

Result<std::vector<float>> load_vector(const checkpoint::Checkpoint& weights,
                                       const std::string& name) {
  const TensorView* view = weights.find(name);
  MIEN_CHECK(view != nullptr);
  std::vector<float> out(view->size());
  if (const Status status = copy_to_f32(*view, out); !status.ok()) return status.with_prefix(name);
  return out;
}

Result<Norm> load_norm(const checkpoint::Checkpoint& weights, const std::string& name) {
  Norm norm;
  MIEN_ASSIGN_OR_RETURN(norm.gain, load_vector(weights, name + ".weight"));
  MIEN_ASSIGN_OR_RETURN(norm.bias, load_vector(weights, name + ".bias"));
  return norm;
}

Result<kernels::ChannelAffine> load_batch_norm(const checkpoint::Checkpoint& weights,
                                               const std::string& name, float eps) {
  MIEN_ASSIGN_OR_RETURN(const Norm affine, load_norm(weights, name));
  MIEN_ASSIGN_OR_RETURN(const auto mean, load_vector(weights, name + ".running_mean"));
  MIEN_ASSIGN_OR_RETURN(const auto variance, load_vector(weights, name + ".running_var"));
  return kernels::fold_batch_norm(affine.gain, affine.bias, mean, variance, eps);
}

Result<kernels::Linear> load_folded(const checkpoint::Checkpoint& weights,
                                    const std::string& weight_name, const std::string& norm_name,
                                    float eps) {
  const TensorView* view = weights.find(weight_name);
  MIEN_CHECK(view != nullptr && view->rank() == 2);
  MIEN_ASSIGN_OR_RETURN(auto values, load_vector(weights, weight_name));
  MIEN_ASSIGN_OR_RETURN(const auto affine, load_batch_norm(weights, norm_name, eps));
  const std::size_t row = values.size() / affine.factor.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= affine.factor[i / row];
  const auto view_of = [](const Shape& shape, const std::vector<float>& of) {
    return TensorView(DType::kF32, shape, std::as_bytes(std::span(of)));
  };
  const TensorView bias = view_of({view->dim(0)}, affine.shift);
  return kernels::Linear::pack(view_of(view->shape(), values), &bias, {});
}

Result<Transformer> Transformer::load(const checkpoint::Checkpoint& weights,
                                      const std::string& prefix, const BlockNames& names,
                                      const TransformerSizes& sizes, Precision precision) {
  Transformer out;
  out.sizes_ = sizes;
  out.precision_ = precision;
  for (int i = 0; i < sizes.layers; ++i) {
    const std::string block_name = prefix + std::to_string(i) + ".";
    const auto linear = [&](const char* name, const LinearOptions& options) {
      return load_linear(weights, block_name + name, options);
    };
    Block block;
    MIEN_ASSIGN_OR_RETURN(block.ln_1, load_norm(weights, block_name + names.ln_1));
    MIEN_ASSIGN_OR_RETURN(block.ln_2, load_norm(weights, block_name + names.ln_2));
    MIEN_ASSIGN_OR_RETURN(
        block.qkv,
        load_linear(weights, block_name + names.qkv_weight,
                    names.qkv_bias == nullptr ? std::string() : block_name + names.qkv_bias,
                    {.input = precision, .output = kernels::attention_input(precision)}));
    MIEN_ASSIGN_OR_RETURN(block.out, linear(names.out, {.accumulate = true, .input = precision}));
    MIEN_ASSIGN_OR_RETURN(block.fc, linear(names.fc, {.activation = sizes.activation,
                                                      .input = precision,
                                                      .output = between_layers(precision)}));
    MIEN_ASSIGN_OR_RETURN(block.proj, linear(names.proj, {.accumulate = true, .input = precision}));
    out.blocks_.push_back(std::move(block));
  }
  return out;
}

Result<void*> Transformer::project(const Block& block, const float* x, std::int64_t rows,
                                   Session::Impl& session) const {
  void* normed = reserve_rows(session.normed, precision_, rows, sizes_.width);
  kernels::layer_norm({.x = x,
                       .rows = rows,
                       .width = sizes_.width,
                       .gain = block.ln_1.gain.data(),
                       .bias = block.ln_1.bias.data(),
                       .out = normed,
                       .output = precision_});
  void* qkv = reserve_rows(session.qkv, kernels::attention_input(precision_), rows, 3 * inner());
  MIEN_RETURN_IF_ERROR(block.qkv.run(normed, rows, qkv, session.workspace));
  return qkv;
}

void* Transformer::mix(void* qkv, std::int64_t batch, std::int64_t tokens, std::int64_t queries,
                       Session::Impl& session) const {
  const Precision between = between_layers(precision_);
  void* attended = reserve_rows(session.attended, between, batch * queries, inner());
  kernels::attention({.qkv = qkv,
                      .input = kernels::attention_input(precision_),
                      .batch = batch,
                      .tokens = tokens,
                      .heads = sizes_.heads,
                      .head_width = sizes_.head_width,
                      .causal = sizes_.causal,
                      .queries = queries,
                      .out = attended,
                      .output = between},
                     session.workspace);
  return attended;
}

Status Transformer::attend(const Block& block, float* x, std::int64_t batch, std::int64_t tokens,
                           std::int64_t queries, Session::Impl& session) const {
  MIEN_ASSIGN_OR_RETURN(void* qkv, project(block, x, batch * tokens, session));
  void* attended = mix(qkv, batch, tokens, queries, session);
  if (queries < tokens) {
    // The residual of the asking tokens moves to the front, where the rest of the block works on
    // it.
    MIEN_CHECK(queries == 1);
    for (std::int64_t b = 1; b < batch; ++b) {
      std::memmove(x + b * sizes_.width, x + b * tokens * sizes_.width,
                   static_cast<std::size_t>(sizes_.width) * sizeof(float));
    }
  }
  const void* from = layer_input(attended, batch * queries, block.out, precision_, session.normed);
  return block.out.run(from, batch * queries, x, session.workspace);
}

// `places`: the tokens that are worked on from here, ascending; none has a row before its number.
Status Transformer::attend_shared(const Block& block, float* x, const SharedRows& shared,
                                  std::span<const std::int64_t> places,
                                  Session::Impl& session) const {
  const auto rows = static_cast<std::int64_t>(shared.place.size());
  MIEN_ASSIGN_OR_RETURN(void* qkv, project(block, x, rows, session));
  const Precision asked = kernels::attention_input(precision_);
  const auto copy_row = [](void* to, std::int64_t at, const void* from, std::int64_t row,
                           std::size_t bytes) {
    std::memmove(static_cast<std::byte*>(to) + static_cast<std::size_t>(at) * bytes,
                 static_cast<const std::byte*>(from) + static_cast<std::size_t>(row) * bytes,
                 bytes);
  };
  const std::int64_t all = shared.batch * shared.tokens;
  void* gathered = reserve_rows(session.gathered, asked, all, 3 * inner());
  const auto qkv_bytes = static_cast<std::size_t>(kernels::bytes_of_rows(asked, 1, 3 * inner()));
  kernels::parallel_for(all, [&](std::int64_t i) {
    copy_row(gathered, i, qkv, shared.row_of[static_cast<std::size_t>(i)], qkv_bytes);
  });
  void* attended = mix(gathered, shared.batch, shared.tokens, shared.tokens, session);
  const auto bytes =
      static_cast<std::size_t>(kernels::bytes_of_rows(between_layers(precision_), 1, inner()));
  const std::size_t x_bytes = static_cast<std::size_t>(sizes_.width) * sizeof(float);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto at = static_cast<std::int64_t>(i);
    copy_row(attended, at, attended, places[i], bytes);
    copy_row(x, at, x, shared.row_of[static_cast<std::size_t>(places[i])], x_bytes);
  }
  const auto kept = static_cast<std::int64_t>(places.size());
  const void* from = layer_input(attended, kept, block.out, precision_, session.normed);
  return block.out.run(from, kept, x, session.workspace);
}

Status Transformer::feed_forward(const Block& block, float* x, std::int64_t rows,
                                 Session::Impl& session) const {
  void* normed = reserve_rows(session.normed, precision_, rows, sizes_.width);
  kernels::layer_norm({.x = x,
                       .rows = rows,
                       .width = sizes_.width,
                       .gain = block.ln_2.gain.data(),
                       .bias = block.ln_2.bias.data(),
                       .out = normed,
                       .output = precision_});
  void* hidden = reserve_rows(session.hidden, between_layers(precision_), rows, block.fc.out());
  MIEN_RETURN_IF_ERROR(block.fc.run(normed, rows, hidden, session.workspace));
  const void* from = layer_input(hidden, rows, block.proj, precision_, session.normed);
  return block.proj.run(from, rows, x, session.workspace);
}

Status Transformer::run(float* x, std::int64_t batch, std::int64_t tokens, bool first_token_only,
                        Session::Impl& session) const {
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const bool last = i + 1 == blocks_.size();
    const std::int64_t queries = last && first_token_only ? 1 : tokens;
    MIEN_RETURN_IF_ERROR(attend(blocks_[i], x, batch, tokens, queries, session));
    MIEN_RETURN_IF_ERROR(feed_forward(blocks_[i], x, batch * queries, session));
  }
  return {};
}

Status Transformer::run_shared(float* x, const SharedRows& shared, Session::Impl& session) const {
  MIEN_CHECK(sizes_.causal);
  std::vector<std::int64_t> ends;  // as tokens
  for (const std::int64_t row : shared.ends) {
    ends.push_back(shared.place[static_cast<std::size_t>(row)]);
  }
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::span<const std::int64_t> places = i + 1 == blocks_.size() ? ends : shared.place;
    MIEN_RETURN_IF_ERROR(attend_shared(blocks_[i], x, shared, places, session));
    MIEN_RETURN_IF_ERROR(
        feed_forward(blocks_[i], x, static_cast<std::int64_t>(places.size()), session));
  }
  return {};
}

}  // namespace mien::engine
