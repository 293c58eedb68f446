#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/text_towers.h"
#include "mien/kernels/ops.h"

namespace mien::engine {
namespace {

/// CLIP's causal tower, read out at the end token.
struct ClipText final : TextEncoder::Impl {
  TensorView tokens;
  std::vector<float> positions;
  Norm ln_final;
  Transformer transformer;
  kernels::Linear projection;

  Status encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                Session::Impl& session) const override;
  Status token_row(std::int32_t id, std::span<float> out) const;
  /// Encodes the rows numbered `order`, all cut to `length` tokens.
  Status encode_pass(std::span<const std::vector<std::int32_t>> rows,
                     std::span<const std::size_t> order, std::span<const std::int64_t> ends,
                     std::int64_t length, float* out, Session::Impl& session) const;
};

Status ClipText::token_row(std::int32_t id, std::span<float> out) const {
  const std::size_t row_bytes = out.size() * byte_size(tokens.dtype());
  const auto bytes = tokens.bytes().subspan(static_cast<std::size_t>(id) * row_bytes, row_bytes);
  return copy_to_f32(TensorView(tokens.dtype(), {static_cast<std::int64_t>(out.size())}, bytes),
                     out);
}

Status ClipText::encode_pass(std::span<const std::vector<std::int32_t>> rows,
                             std::span<const std::size_t> order, std::span<const std::int64_t> ends,
                             std::int64_t length, float* out, Session::Impl& session) const {
  const std::int64_t width = tower.width;
  const auto count = static_cast<std::int64_t>(order.size());
  const auto reserve = [](kernels::Buffer& buffer, std::int64_t elements) {
    return buffer.reserve_as<float>(static_cast<std::size_t>(elements));
  };
  float* x = reserve(session.stream, count * length * width);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto& ids = rows[order[static_cast<std::size_t>(n)]];
    for (std::int64_t t = 0; t < length; ++t) {
      float* to = x + (n * length + t) * width;
      MIEN_RETURN_IF_ERROR(token_row(ids[static_cast<std::size_t>(t)],
                                     std::span(to, static_cast<std::size_t>(width))));
      const float* position = positions.data() + t * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] += position[i];
    }
  }
  MIEN_RETURN_IF_ERROR(transformer.run(x, count, length, false, session));
  float* ended = reserve(session.input, count * width);
  for (std::int64_t n = 0; n < count; ++n) {
    const std::int64_t end = ends[order[static_cast<std::size_t>(n)]];
    std::memcpy(ended + n * width, x + (n * length + end) * width,
                static_cast<std::size_t>(width) * sizeof(float));
  }
  float* pooled = reserve(session.pooled, count * width);
  kernels::layer_norm({.x = ended,
                       .rows = count,
                       .width = width,
                       .gain = ln_final.gain.data(),
                       .bias = ln_final.bias.data(),
                       .out = pooled});
  float* projected = reserve(session.hidden, count * embed);
  MIEN_RETURN_IF_ERROR(projection.run(pooled, count, projected, session.workspace));
  for (std::int64_t n = 0; n < count; ++n) {
    std::memcpy(out + static_cast<std::int64_t>(order[static_cast<std::size_t>(n)]) * embed,
                projected + n * embed, static_cast<std::size_t>(embed) * sizeof(float));
  }
  return {};
}

Status ClipText::encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                        Session::Impl& session) const {
  std::vector<std::int64_t> ends(rows.size());
  for (std::size_t n = 0; n < rows.size(); ++n) {
    ends[n] = std::max_element(rows[n].begin(), rows[n].end()) - rows[n].begin();
  }
  // Texts of similar length share a pass, so that little padding is computed.
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return ends[a] < ends[b]; });
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first + 1;
    while (last < order.size() &&
           static_cast<std::int64_t>(last - first + 1) * (ends[order[last]] + 1) <= kRowsPerPass) {
      ++last;
    }
    MIEN_RETURN_IF_ERROR(encode_pass(rows, std::span(order).subspan(first, last - first), ends,
                                     ends[order[last - 1]] + 1, out, session));
    first = last;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TextEncoder::Impl>> load_clip_text(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision) {
  const TextTower& tower = *architecture.text;
  auto impl = std::make_unique<ClipText>();
  const TensorView* table = weights.find("token_embedding.weight");
  const TensorView* projection = weights.find("text_projection");
  MIEN_CHECK(table != nullptr && projection != nullptr);
  impl->tokens = *table;
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_final, load_norm(weights, "ln_final"));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "transformer.resblocks.", kClipBlock,
                                          {.width = tower.width,
                                           .heads = tower.heads,
                                           .head_width = tower.width / tower.heads,
                                           .layers = tower.layers,
                                           .activation = tower.activation,
                                           .causal = true},
                                          precision));
  MIEN_ASSIGN_OR_RETURN(impl->projection,
                        kernels::Linear::pack(*projection, nullptr, {.weight_is_in_out = true}));
  return std::unique_ptr<TextEncoder::Impl>(std::move(impl));
}

TextEncoder::TextEncoder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TextEncoder::~TextEncoder() = default;

Result<std::shared_ptr<const TextEncoder>> TextEncoder::load(
    std::shared_ptr<const checkpoint::Checkpoint> weights, const Architecture& architecture,
    kernels::Precision precision) {
  MIEN_CHECK(architecture.text.has_value());
  std::unique_ptr<Impl> impl;
  if (architecture.text->word_width > 0) {
    MIEN_ASSIGN_OR_RETURN(impl, load_word_text(*weights, architecture, precision));
  } else {
    MIEN_ASSIGN_OR_RETURN(impl, load_clip_text(*weights, architecture, precision));
  }
  impl->tower = *architecture.text;
  impl->embed = architecture.embed;
  impl->weights = std::move(weights);
  return std::shared_ptr<const TextEncoder>(new TextEncoder(std::move(impl)));
}

int TextEncoder::context() const { return impl_->tower.context; }
int TextEncoder::embed() const { return static_cast<int>(impl_->embed); }

Status TextEncoder::encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                           Session& session) const {
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (rows[n].size() != static_cast<std::size_t>(impl_->tower.context)) {
      return invalid_argument(fmt::format("tokens: row {} has {} ids (expected {})", n,
                                          rows[n].size(), impl_->tower.context));
    }
    for (const std::int32_t id : rows[n]) {
      if (id < 0 || id >= impl_->tower.vocabulary) {
        return invalid_argument(
            fmt::format("tokens: id {} in row {} is outside the vocabulary of {}", id, n,
                        impl_->tower.vocabulary));
      }
    }
  }
  return rows.empty() ? Status() : impl_->encode(rows, out, session.impl());
}

}  // namespace mien::engine
