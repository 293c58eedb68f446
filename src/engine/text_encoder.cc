#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/text_towers.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

using Ids = std::span<const std::int32_t>;

// Tokens of all texts of a pass, rows that are shared counted again: what attention works on.
constexpr std::int64_t kTokensPerPass = 4 * kRowsPerPass;

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
  /// Encodes texts that share rows. Shape: texts [batch], out [batch, embed].
  Status encode_pass(std::span<const Ids> texts, const SharedRows& shared, float* out,
                     Session::Impl& session) const;
};

// The rows of the first of these texts, in order, up to a limit of rows and of tokens in all; at
// least one text.
SharedRows share(std::span<const Ids> texts) {
  SharedRows out;
  std::vector<std::int64_t> rows;  // of the text before, token by token
  std::vector<std::vector<std::int64_t>> of_text;
  std::int64_t count = 0;
  for (std::size_t n = 0; n < texts.size(); ++n) {
    const Ids text = texts[n];
    std::size_t same = 0;
    if (n > 0) {
      const auto differ =
          std::mismatch(text.begin(), text.end(), texts[n - 1].begin(), texts[n - 1].end());
      same = static_cast<std::size_t>(differ.first - text.begin());
    }
    const std::int64_t more = static_cast<std::int64_t>(text.size() - same);
    const std::int64_t longest = std::max(out.tokens, static_cast<std::int64_t>(text.size()));
    if (n > 0 && (count + more > kRowsPerPass ||
                  longest * static_cast<std::int64_t>(n + 1) > kTokensPerPass)) {
      break;
    }
    rows.resize(same);
    for (std::size_t t = same; t < text.size(); ++t) rows.push_back(count++);
    out.tokens = longest;
    out.ends.push_back(rows.back());
    of_text.push_back(rows);
  }
  out.batch = static_cast<std::int64_t>(of_text.size());
  for (const std::vector<std::int64_t>& own : of_text) {
    for (std::int64_t t = 0; t < out.tokens; ++t) {
      const std::int64_t row = own[std::min(static_cast<std::size_t>(t), own.size() - 1)];
      if (row == static_cast<std::int64_t>(out.place.size())) {
        out.place.push_back(static_cast<std::int64_t>(out.row_of.size()));
      }
      out.row_of.push_back(row);
    }
  }
  return out;
}

Status ClipText::token_row(std::int32_t id, std::span<float> out) const {
  const std::size_t row_bytes = out.size() * byte_size(tokens.dtype());
  const auto bytes = tokens.bytes().subspan(static_cast<std::size_t>(id) * row_bytes, row_bytes);
  return copy_to_f32(TensorView(tokens.dtype(), {static_cast<std::int64_t>(out.size())}, bytes),
                     out);
}

Status ClipText::encode_pass(std::span<const Ids> texts, const SharedRows& shared, float* out,
                             Session::Impl& session) const {
  const auto width = static_cast<std::size_t>(tower.width);
  const auto reserve = [](kernels::Buffer& buffer, std::size_t elements) {
    return buffer.reserve_as<float>(elements);
  };
  float* x = reserve(session.stream, shared.place.size() * width);
  for (std::size_t row = 0; row < shared.place.size(); ++row) {
    const auto text = static_cast<std::size_t>(shared.place[row] / shared.tokens);
    const auto t = static_cast<std::size_t>(shared.place[row] % shared.tokens);
    float* to = x + row * width;
    MIEN_RETURN_IF_ERROR(token_row(texts[text][t], std::span(to, width)));
    const float* position = positions.data() + t * width;
    for (std::size_t i = 0; i < width; ++i) to[i] += position[i];
  }
  MIEN_RETURN_IF_ERROR(transformer.run_shared(x, shared, session));
  float* pooled = reserve(session.pooled, texts.size() * width);
  kernels::layer_norm({.x = x,
                       .rows = shared.batch,
                       .width = tower.width,
                       .gain = ln_final.gain.data(),
                       .bias = ln_final.bias.data(),
                       .out = pooled});
  return projection.run(pooled, shared.batch, out, session.workspace);
}

Status ClipText::encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                        Session::Impl& session) const {
  // What a text says ends with its largest id. In their order texts with the same beginning lie
  // together, and equal ones are encoded once.
  std::vector<Ids> texts;
  for (const std::vector<std::int32_t>& row : rows) {
    const auto end = std::max_element(row.begin(), row.end()) - row.begin();
    texts.emplace_back(row.data(), static_cast<std::size_t>(end) + 1);
  }
  const auto before = [](Ids a, Ids b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
  };
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return before(texts[a], texts[b]); });
  std::vector<Ids> distinct;
  std::vector<std::size_t> place(rows.size());  // among the distinct ones
  for (const std::size_t n : order) {
    if (distinct.empty() || before(distinct.back(), texts[n])) distinct.push_back(texts[n]);
    place[n] = distinct.size() - 1;
  }
  const auto each = static_cast<std::size_t>(embed);
  std::vector<float> encoded(distinct.size() * each);
  for (std::size_t first = 0; first < distinct.size();) {
    const SharedRows shared = share(std::span(distinct).subspan(first));
    const auto count = static_cast<std::size_t>(shared.batch);
    MIEN_RETURN_IF_ERROR(encode_pass(std::span(distinct).subspan(first, count), shared,
                                     encoded.data() + first * each, session));
    first += count;
  }
  for (std::size_t n = 0; n < rows.size(); ++n) {
    std::copy_n(encoded.data() + place[n] * each, each, out + n * each);
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
