// A transformer over frame embeddings. Source: EmoCLIP (arXiv 2310.16640).
#include <fmt/format.h>

#include <cstring>
#include <string>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"

namespace mien::engine {
namespace {

constexpr BlockNames kTemporalBlock = {
    "0.fn.norm", "0.fn.fn.to_qkv.weight", nullptr,        "0.fn.fn.to_out.0",
    "1.fn.norm", "1.fn.fn.net.0",         "1.fn.fn.net.3"};

Result<TemporalTransformerSizes> parse_temporal_transformer(const Json& json,
                                                            std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"type", "width", "layers", "heads", "head_width", "mlp", "positions", "activation"},
      subject));
  TemporalTransformerSizes sizes;
  MIEN_RETURN_IF_ERROR(read_blocks(json, subject, sizes));
  MIEN_ASSIGN_OR_RETURN(sizes.head_width, read_size(json, "head_width", kMaxWidth, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.positions, read_size(json, "positions", kMaxContext, subject));
  return sizes;
}

void write_temporal_transformer(const TemporalTransformerSizes& sizes, Json& out) {
  out.set("width", sizes.width);
  out.set("layers", sizes.layers);
  out.set("heads", sizes.heads);
  out.set("head_width", sizes.head_width);
  out.set("mlp", sizes.mlp);
  out.set("positions", sizes.positions);
  out.set("activation", to_string(sizes.activation));
}

Status check_temporal_transformer(const TemporalTransformerSizes& sizes, int embed,
                                  std::string_view subject) {
  if (sizes.width == embed && sizes.head_width % 16 == 0 && sizes.positions >= 2 &&
      std::int64_t{sizes.heads} * sizes.head_width <= 8 * kMaxWidth) {
    return {};
  }
  return corrupt(fmt::format(
      "{}: width {}, {} heads of {}, {} positions (expected width {}, a head width that is a "
      "multiple of 16, at most {} in all heads, 2 positions or more)",
      subject, sizes.width, sizes.heads, sizes.head_width, sizes.positions, embed, 8 * kMaxWidth));
}

void add_temporal_transformer(const TemporalTransformerSizes& sizes, int /*embed*/,
                              std::vector<ExpectedTensor>& out) {
  const std::int64_t width = sizes.width;
  const std::int64_t inner = std::int64_t{sizes.heads} * sizes.head_width;
  out.push_back({"temporal.cls_token", {1, 1, width}});
  out.push_back({"temporal.pos_embedding", {1, sizes.positions, width}});
  for (int i = 0; i < sizes.layers; ++i) {
    const std::string block = fmt::format("temporal.temporal_transformer.layers.{}.", i);
    const auto add = [&](const char* name, Shape shape) {
      out.push_back({block + name, std::move(shape)});
    };
    add("0.fn.norm.weight", {width});
    add("0.fn.norm.bias", {width});
    add("0.fn.fn.to_qkv.weight", {3 * inner, width});
    add("0.fn.fn.to_out.0.weight", {width, inner});
    add("0.fn.fn.to_out.0.bias", {width});
    add("1.fn.norm.weight", {width});
    add("1.fn.norm.bias", {width});
    add("1.fn.fn.net.0.weight", {sizes.mlp, width});
    add("1.fn.fn.net.0.bias", {sizes.mlp});
    add("1.fn.fn.net.3.weight", {width, sizes.mlp});
    add("1.fn.fn.net.3.bias", {width});
  }
}

std::string describe_temporal_transformer(const TemporalTransformerSizes& sizes) {
  return fmt::format("{} layers, width {}, {} heads of {}, mlp {}, at most {} frames, {}",
                     sizes.layers, sizes.width, sizes.heads, sizes.head_width, sizes.mlp,
                     sizes.positions - 1, to_string(sizes.activation));
}

struct TransformerTemporal final : TemporalEncoder::Impl {
  std::vector<float> class_token;
  std::vector<float> positions;
  Transformer transformer;

  Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count, float* out,
                     Session::Impl& session) const override;
};

Status TransformerTemporal::encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                                        float* out, Session::Impl& session) const {
  const std::int64_t tokens = count + 1;
  auto* x = session.stream.reserve_as<float>(static_cast<std::size_t>(clips * tokens * width));
  for (std::int64_t n = 0; n < clips; ++n) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const float* from = t == 0 ? class_token.data() : frames + (n * count + t - 1) * width;
      const float* position = positions.data() + t * width;
      float* to = x + (n * tokens + t) * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] + position[i];
    }
  }
  MIEN_RETURN_IF_ERROR(transformer.run(x, clips, tokens, true, session));
  std::memcpy(out, x, static_cast<std::size_t>(clips * width) * sizeof(float));
  return {};
}

Result<std::unique_ptr<TemporalEncoder::Impl>> load_temporal_transformer(
    const checkpoint::Checkpoint& weights, const TemporalTransformerSizes& sizes,
    kernels::Precision precision) {
  auto impl = std::make_unique<TransformerTemporal>();
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "temporal.cls_token"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "temporal.pos_embedding"));
  MIEN_ASSIGN_OR_RETURN(
      impl->transformer,
      Transformer::load(weights, "temporal.temporal_transformer.layers.", kTemporalBlock,
                        {.width = sizes.width,
                         .heads = sizes.heads,
                         .head_width = sizes.head_width,
                         .layers = sizes.layers,
                         .activation = sizes.activation},
                        precision));
  return std::unique_ptr<TemporalEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const TemporalKind<TemporalTransformerSizes> kTemporalTransformerKind = {
    .type = "transformer",
    .name = "temporal transformer",
    .parse = parse_temporal_transformer,
    .write = write_temporal_transformer,
    .check = check_temporal_transformer,
    .add_tensors = add_temporal_transformer,
    .load = load_temporal_transformer,
    .describe = describe_temporal_transformer,
};

}  // namespace mien::engine
