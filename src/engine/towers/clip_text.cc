// CLIP's causal text transformer over byte pairs.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/ops.h"
#include "text/tokenizer.h"

namespace mien::engine {
namespace {

using Ids = std::span<const std::int32_t>;

// Tokens of all texts of a pass, rows that are shared counted again: what attention works on.
constexpr std::int64_t kTokensPerPass = 4 * kRowsPerPass;

constexpr std::string_view kClipTextProjections[] = {"text_projection"};

Result<ClipTextSizes> parse_clip_text(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"type", "context", "vocabulary", "width", "layers", "heads", "mlp", "activation"},
      subject));
  ClipTextSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.context, read_size(json, "context", kMaxContext, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.vocabulary, read_size(json, "vocabulary", kMaxVocabulary, subject));
  MIEN_RETURN_IF_ERROR(read_blocks(json, subject, sizes));
  return sizes;
}

void write_clip_text(const ClipTextSizes& sizes, Json& out) {
  out.set("context", sizes.context);
  out.set("vocabulary", sizes.vocabulary);
  write_blocks(sizes, out);
}

Status check_clip_text(const ClipTextSizes& sizes, int /*embed*/, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(check_heads(sizes.width, sizes.heads, subject));
  if (sizes.context >= 3) return {};
  return corrupt(fmt::format("{}: context is too short (expected at least 3, got {})", subject,
                             sizes.context));
}

void add_clip_text(const ClipTextSizes& sizes, int embed, std::vector<ExpectedTensor>& out) {
  const std::int64_t width = sizes.width;
  out.push_back({"token_embedding.weight", {sizes.vocabulary, width}});
  out.push_back({"positional_embedding", {sizes.context, width}});
  out.push_back({"ln_final.weight", {width}});
  out.push_back({"ln_final.bias", {width}});
  out.push_back({"text_projection", {width, embed}});
  add_clip_blocks(out, "", sizes.layers, width, sizes.mlp);
}

std::string describe_clip_text(const ClipTextSizes& sizes) {
  return fmt::format("context {}, vocabulary {}, {} layers, width {}, {} heads, mlp {}, {}",
                     sizes.context, sizes.vocabulary, sizes.layers, sizes.width, sizes.heads,
                     sizes.mlp, to_string(sizes.activation));
}

Result<std::shared_ptr<const text::Tokenizer>> parse_merges(const std::string& file,
                                                            const Limits& limits) {
  MIEN_ASSIGN_OR_RETURN(auto made, text::parse_bpe_merges(std::as_bytes(std::span(file)), limits));
  return std::shared_ptr<const text::Tokenizer>(std::move(made));
}

/// CLIP's causal tower, read out at the end token.
struct ClipText final : TextEncoder::Impl {
  ClipTextSizes sizes;
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
  const auto width = static_cast<std::size_t>(sizes.width);
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
                       .width = sizes.width,
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

Result<std::unique_ptr<TextEncoder::Impl>> load_clip_text(const checkpoint::Checkpoint& weights,
                                                          const ClipTextSizes& sizes,
                                                          kernels::Precision precision) {
  auto impl = std::make_unique<ClipText>();
  impl->sizes = sizes;
  const TensorView* table = weights.find("token_embedding.weight");
  const TensorView* projection = weights.find("text_projection");
  MIEN_CHECK(table != nullptr && projection != nullptr);
  impl->tokens = *table;
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_final, load_norm(weights, "ln_final"));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "transformer.resblocks.", kClipBlock,
                                          {.width = sizes.width,
                                           .heads = sizes.heads,
                                           .head_width = sizes.width / sizes.heads,
                                           .layers = sizes.layers,
                                           .activation = sizes.activation,
                                           .causal = true},
                                          precision));
  MIEN_ASSIGN_OR_RETURN(impl->projection,
                        kernels::Linear::pack(*projection, nullptr, {.weight_is_in_out = true}));
  return std::unique_ptr<TextEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const TextKind<ClipTextSizes> kClipTextKind = {
    .type = "clip_text",
    .name = "CLIP's text tower",
    .parse = parse_clip_text,
    .write = write_clip_text,
    .check = check_clip_text,
    .add_tensors = add_clip_text,
    .load = load_clip_text,
    .describe = describe_clip_text,
    .parse_tokenizer = parse_merges,
    .projections = kClipTextProjections,
    .takes_int8 =
        [](std::string_view tensor) {
          return is_clip_block_weight(tensor, "transformer.resblocks.");
        },
    .activation_is_choice = true,
};

}  // namespace mien::engine
