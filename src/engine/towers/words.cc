// A text transformer over whole words with fixed vectors.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/ops.h"
#include "text/words.h"

namespace mien::engine {
namespace {

constexpr std::string_view kWordProjections[] = {"words.projection", "words.bag"};

Result<WordTextSizes> parse_word_text(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(json,
                                           {"type", "word_width", "context", "vocabulary", "width",
                                            "layers", "heads", "mlp", "activation"},
                                           subject));
  WordTextSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.word_width, read_size(json, "word_width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.context, read_size(json, "context", kMaxContext, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.vocabulary, read_size(json, "vocabulary", kMaxVocabulary, subject));
  MIEN_RETURN_IF_ERROR(read_blocks(json, subject, sizes));
  return sizes;
}

void write_word_text(const WordTextSizes& sizes, Json& out) {
  out.set("word_width", sizes.word_width);
  out.set("context", sizes.context);
  out.set("vocabulary", sizes.vocabulary);
  write_blocks(sizes, out);
}

Status check_word_text(const WordTextSizes& sizes, int /*embed*/, std::string_view subject) {
  return check_heads(sizes.width, sizes.heads, subject);
}

void add_words(const WordTextSizes& sizes, int embed, std::vector<ExpectedTensor>& out) {
  const std::int64_t width = sizes.width;
  out.push_back({"words.table", {sizes.vocabulary, sizes.word_width}, true});
  out.push_back({"words.scale", {sizes.vocabulary}});
  out.push_back({"words.input.weight", {width, sizes.word_width}});
  out.push_back({"words.input.bias", {width}});
  out.push_back({"words.class_embedding", {width}});
  out.push_back({"words.positional_embedding", {sizes.context + 1, width}});
  out.push_back({"words.ln_final.weight", {width}});
  out.push_back({"words.ln_final.bias", {width}});
  out.push_back({"words.projection", {width, embed}});
  out.push_back({"words.bag", {sizes.word_width, embed}});
  add_clip_blocks(out, "words.", sizes.layers, width, sizes.mlp);
}

std::string describe_word_text(const WordTextSizes& sizes) {
  return fmt::format(
      "words: at most {}, {} known or spelt, vectors of {}, {} layers, width {}, {} heads",
      sizes.context, sizes.vocabulary - 1, sizes.word_width, sizes.layers, sizes.width,
      sizes.heads);
}

Result<std::shared_ptr<const text::Tokenizer>> parse_word_list(const std::string& file,
                                                               const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(auto made, text::parse_words(file, limits));
  return std::shared_ptr<const text::Tokenizer>(std::move(made));
}

/// Word vectors, a transformer read out at its class token, and the mean of the words beside it.
struct WordText final : TextEncoder::Impl {
  WordTextSizes sizes;
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
  const auto width = static_cast<std::size_t>(sizes.word_width);
  const auto* row = reinterpret_cast<const std::int8_t*>(table.bytes().data()) +
                    static_cast<std::size_t>(id) * width;
  const float factor = scale[static_cast<std::size_t>(id)];
  for (std::size_t i = 0; i < width; ++i) out[i] = factor * static_cast<float>(row[i]);
}

Status WordText::encode_pass(std::span<const std::vector<std::int32_t>> rows,
                             std::span<const std::size_t> order, std::int64_t length, float* out,
                             Session::Impl& session) const {
  const std::int64_t width = sizes.width, word_width = sizes.word_width;
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

Result<std::unique_ptr<TextEncoder::Impl>> load_word_text(const checkpoint::Checkpoint& weights,
                                                          const WordTextSizes& sizes,
                                                          kernels::Precision precision) {
  const auto find = [&](const char* name) -> const TensorView& {
    const TensorView* view = weights.find(name);
    MIEN_CHECK(view != nullptr);
    return *view;
  };
  auto impl = std::make_unique<WordText>();
  impl->sizes = sizes;
  impl->table = find("words.table");
  MIEN_ASSIGN_OR_RETURN(impl->scale, load_vector(weights, "words.scale"));
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "words.class_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "words.positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_final, load_norm(weights, "words.ln_final"));
  MIEN_ASSIGN_OR_RETURN(impl->input, kernels::Linear::pack(find("words.input.weight"),
                                                           &find("words.input.bias"), {}));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "words.transformer.resblocks.", kClipBlock,
                                          {.width = sizes.width,
                                           .heads = sizes.heads,
                                           .head_width = sizes.width / sizes.heads,
                                           .layers = sizes.layers,
                                           .activation = sizes.activation},
                                          without_int8(precision)));
  MIEN_ASSIGN_OR_RETURN(impl->projection, kernels::Linear::pack(find("words.projection"), nullptr,
                                                                {.weight_is_in_out = true}));
  MIEN_ASSIGN_OR_RETURN(impl->bag,
                        kernels::Linear::pack(find("words.bag"), nullptr,
                                              {.accumulate = true, .weight_is_in_out = true}));
  return std::unique_ptr<TextEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const TextKind<WordTextSizes> kWordTextKind = {
    .type = "words",
    .name = "tower over words",
    .parse = parse_word_text,
    .write = write_word_text,
    .check = check_word_text,
    .add_tensors = add_words,
    .load = load_word_text,
    .describe = describe_word_text,
    .parse_tokenizer = parse_word_list,
    .projections = kWordProjections,
};

}  // namespace mien::engine
