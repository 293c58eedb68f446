// The text tower over whole words.
#include <algorithm>
#include <cstring>
#include <numeric>

#include "engine/text_towers.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

/// Word vectors, a transformer read out at its class token, and the mean of the words beside it.
struct WordText final : TextEncoder::Impl {
  TensorView table;
  std::vector<float> scale;
  std::vector<float> class_token;
  std::vector<float> positions;
  Norm ln_final;
  kernels::Linear input;
  Transformer transformer;
  kernels::Linear projection;
  kernels::Linear bag;  // added to the projection

  Status encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                Session::Impl& session) const override;
  void word_row(std::int32_t id, float* out) const;
  /// Encodes the rows numbered `order`, each of `length` words.
  Status encode_pass(std::span<const std::vector<std::int32_t>> rows,
                     std::span<const std::size_t> order, std::int64_t length, float* out,
                     Session::Impl& session) const;
};

void WordText::word_row(std::int32_t id, float* out) const {
  const auto width = static_cast<std::size_t>(tower.word_width);
  const auto* row = reinterpret_cast<const std::int8_t*>(table.bytes().data()) +
                    static_cast<std::size_t>(id) * width;
  const float factor = scale[static_cast<std::size_t>(id)];
  for (std::size_t i = 0; i < width; ++i) out[i] = factor * static_cast<float>(row[i]);
}

Status WordText::encode_pass(std::span<const std::vector<std::int32_t>> rows,
                             std::span<const std::size_t> order, std::int64_t length, float* out,
                             Session::Impl& session) const {
  const std::int64_t width = tower.width, word_width = tower.word_width;
  const auto count = static_cast<std::int64_t>(order.size());
  const auto reserve = [](kernels::Buffer& buffer, std::int64_t elements) {
    return buffer.reserve_as<float>(static_cast<std::size_t>(elements));
  };
  float* words = reserve(session.input, count * (length + 1) * word_width);
  float* means = words + count * length * word_width;
  std::fill(means, means + count * word_width, 0.0F);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto& ids = rows[order[static_cast<std::size_t>(n)]];
    for (std::int64_t t = 0; t < length; ++t) {
      float* to = words + (n * length + t) * word_width;
      word_row(ids[static_cast<std::size_t>(t)], to);
      for (std::int64_t i = 0; i < word_width; ++i) {
        means[n * word_width + i] += to[i] / static_cast<float>(length);
      }
    }
  }
  float* x = reserve(session.stream, count * (length + 1) * width);
  float* embedded = reserve(session.hidden, std::max<std::int64_t>(1, count * length) * width);
  if (length > 0)
    MIEN_RETURN_IF_ERROR(input.run(words, count * length, embedded, session.workspace));
  for (std::int64_t n = 0; n < count; ++n) {
    for (std::int64_t t = 0; t <= length; ++t) {
      const float* from = t == 0 ? class_token.data() : embedded + (n * length + t - 1) * width;
      float* to = x + (n * (length + 1) + t) * width;
      for (std::int64_t i = 0; i < width; ++i)
        to[i] = from[i] + positions[static_cast<std::size_t>(t * width + i)];
    }
  }
  MIEN_RETURN_IF_ERROR(transformer.run(x, count, length + 1, true, session));
  float* pooled = reserve(session.pooled, count * width);
  kernels::layer_norm({.x = x,
                       .rows = count,
                       .width = width,
                       .gain = ln_final.gain.data(),
                       .bias = ln_final.bias.data(),
                       .out = pooled});
  float* projected = reserve(session.hidden, count * embed);
  MIEN_RETURN_IF_ERROR(projection.run(pooled, count, projected, session.workspace));
  MIEN_RETURN_IF_ERROR(bag.run(means, count, projected, session.workspace));
  for (std::int64_t n = 0; n < count; ++n) {
    std::memcpy(out + static_cast<std::int64_t>(order[static_cast<std::size_t>(n)]) * embed,
                projected + n * embed, static_cast<std::size_t>(embed) * sizeof(float));
  }
  return {};
}

Status WordText::encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                        Session::Impl& session) const {
  std::vector<std::int64_t> lengths;
  for (const auto& row : rows) {
    lengths.push_back(std::find(row.begin(), row.end(), 0) - row.begin());
  }
  // Only texts of the same length share a pass, so nothing is padded or masked.
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lengths[a] < lengths[b]; });
  for (std::size_t first = 0; first < order.size();) {
    const std::int64_t length = lengths[order[first]];
    const auto most =
        static_cast<std::size_t>(std::max<std::int64_t>(1, kRowsPerPass / (length + 1)));
    std::size_t last = first + 1;
    while (last < order.size() && last - first < most && lengths[order[last]] == length) ++last;
    MIEN_RETURN_IF_ERROR(
        encode_pass(rows, std::span(order).subspan(first, last - first), length, out, session));
    first = last;
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TextEncoder::Impl>> load_word_text(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision) {
  const TextTower& tower = *architecture.text;
  const auto find = [&](const char* name) -> const TensorView& {
    const TensorView* view = weights.find(name);
    MIEN_CHECK(view != nullptr);
    return *view;
  };
  auto impl = std::make_unique<WordText>();
  impl->table = find("words.table");
  MIEN_ASSIGN_OR_RETURN(impl->scale, load_vector(weights, "words.scale"));
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "words.class_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "words.positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_final, load_norm(weights, "words.ln_final"));
  MIEN_ASSIGN_OR_RETURN(impl->input, kernels::Linear::pack(find("words.input.weight"),
                                                           &find("words.input.bias"), {}));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "words.transformer.resblocks.", kClipBlock,
                                          {.width = tower.width,
                                           .heads = tower.heads,
                                           .head_width = tower.width / tower.heads,
                                           .layers = tower.layers,
                                           .activation = tower.activation},
                                          without_int8(precision)));
  MIEN_ASSIGN_OR_RETURN(impl->projection, kernels::Linear::pack(find("words.projection"), nullptr,
                                                                {.weight_is_in_out = true}));
  MIEN_ASSIGN_OR_RETURN(impl->bag,
                        kernels::Linear::pack(find("words.bag"), nullptr,
                                              {.accumulate = true, .weight_is_in_out = true}));
  return std::unique_ptr<TextEncoder::Impl>(std::move(impl));
}

}  // namespace mien::engine
