// CLIP's vision transformer.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "engine/architecture_parts.h"
#include "engine/towers/table.h"
#include "kernels/ops.h"

namespace mien::engine {
namespace {

// Widths that have a usual name.
constexpr std::pair<int, const char*> kVitNames[] = {
    {192, "Ti"}, {384, "S"}, {768, "B"}, {1024, "L"}, {1280, "H"}, {1408, "g"}, {1664, "bigG"}};

Result<VitSizes> parse_vit(const Json& json, std::string_view subject) {
  MIEN_RETURN_IF_ERROR(json_reject_unknown(
      json, {"type", "image_size", "patch", "width", "layers", "heads", "mlp", "activation"},
      subject));
  VitSizes sizes;
  MIEN_ASSIGN_OR_RETURN(sizes.image_size, read_size(json, "image_size", kMaxImage, subject));
  MIEN_ASSIGN_OR_RETURN(sizes.patch, read_size(json, "patch", kMaxImage, subject));
  MIEN_RETURN_IF_ERROR(read_blocks(json, subject, sizes));
  return sizes;
}

void write_vit(const VitSizes& sizes, Json& out) {
  out.set("image_size", sizes.image_size);
  out.set("patch", sizes.patch);
  write_blocks(sizes, out);
}

Status check_vit(const VitSizes& sizes, int /*embed*/, std::string_view subject) {
  if (sizes.patch < 1 || sizes.image_size % sizes.patch != 0) {
    return corrupt(fmt::format("{}: image size {} is not a multiple of the patch {}", subject,
                               sizes.image_size, sizes.patch));
  }
  return check_heads(sizes.width, sizes.heads, subject);
}

void add_vit(const VitSizes& sizes, int embed, std::vector<ExpectedTensor>& out) {
  const std::int64_t width = sizes.width;
  out.push_back({"visual.conv1.weight", {width, 3, sizes.patch, sizes.patch}});
  out.push_back({"visual.class_embedding", {width}});
  out.push_back({"visual.positional_embedding", {sizes.tokens(), width}});
  for (const char* norm : {"visual.ln_pre", "visual.ln_post"}) {
    out.push_back({std::string(norm) + ".weight", {width}});
    out.push_back({std::string(norm) + ".bias", {width}});
  }
  out.push_back({"visual.proj", {width, embed}});
  add_clip_blocks(out, "visual.", sizes.layers, width, sizes.mlp);
}

std::string vit_name(const VitSizes& sizes) {
  const auto* const size =
      std::find_if(std::begin(kVitNames), std::end(kVitNames),
                   [&](const auto& candidate) { return candidate.first == sizes.width; });
  if (size == std::end(kVitNames)) {
    return fmt::format("ViT of width {}, patch {}", sizes.width, sizes.patch);
  }
  std::string out = fmt::format("ViT-{}/{}", size->second, sizes.patch);
  if (sizes.image_size != 224) out += fmt::format("@{}", sizes.image_size);
  return out;
}

std::string describe_vit(const VitSizes& sizes) {
  return fmt::format("{}: {} px, {} layers, width {}, {} heads, mlp {}, {}", vit_name(sizes),
                     sizes.image_size, sizes.layers, sizes.width, sizes.heads, sizes.mlp,
                     to_string(sizes.activation));
}

double vit_operations(const VitSizes& sizes, int embed) {
  const double tokens = sizes.tokens();
  const double width = sizes.width;
  const double patches = 2 * (tokens - 1) * 3 * sizes.patch * sizes.patch * width;
  const double linear = 2 * tokens * width * (4 * width + 2.0 * sizes.mlp);
  const double attention = 2 * 2 * tokens * tokens * width;
  return patches + sizes.layers * (linear + attention) + 2 * width * embed;
}

struct VitImage final : ImageEncoder::Impl {
  VitSizes sizes;
  kernels::Linear patches;  // float32: the first layer sees raw pixels
  std::vector<float> class_token;
  std::vector<float> positions;
  Norm ln_pre;
  Norm ln_post;
  Transformer transformer;
  kernels::Linear projection;

  Status encode_pass(const float* pixels, std::int64_t count, float* out,
                     Session::Impl& session) const override;
  Status first_map(const float* pixels, std::vector<float>& out,
                   Session::Impl& session) const override;
};

Status VitImage::first_map(const float* pixels, std::vector<float>& out,
                           Session::Impl& session) const {
  const std::int64_t cells = sizes.tokens() - 1;
  const std::int64_t depth = std::int64_t{3} * sizes.patch * sizes.patch;
  float* rows = session.input.reserve_as<float>(static_cast<std::size_t>(cells * depth));
  gather_patches(pixels, 1, sizes.image_size, sizes.patch, rows);
  out.resize(static_cast<std::size_t>(cells * sizes.width));
  return patches.run(rows, cells, out.data(), session.workspace);
}

Status VitImage::encode_pass(const float* pixels, std::int64_t count, float* out,
                             Session::Impl& session) const {
  const std::int64_t width = sizes.width;
  const std::int64_t tokens = sizes.tokens();
  const std::int64_t grid_tokens = tokens - 1;
  const std::int64_t depth = std::int64_t{3} * sizes.patch * sizes.patch;
  const auto reserve = [](kernels::Buffer& buffer, std::int64_t elements) {
    return buffer.reserve_as<float>(static_cast<std::size_t>(elements));
  };
  float* patch_rows = reserve(session.input, count * grid_tokens * depth);
  float* embedded = reserve(session.hidden, count * grid_tokens * width);
  float* x = reserve(session.stream, count * tokens * width);
  gather_patches(pixels, count, sizes.image_size, sizes.patch, patch_rows);
  MIEN_RETURN_IF_ERROR(patches.run(patch_rows, count * grid_tokens, embedded, session.workspace));
  float* summed = reserve(session.normed, count * tokens * width);
  for (std::int64_t n = 0; n < count; ++n) {
    for (std::int64_t t = 0; t < tokens; ++t) {
      const float* from =
          t == 0 ? class_token.data() : embedded + (n * grid_tokens + t - 1) * width;
      const float* position = positions.data() + t * width;
      float* to = summed + (n * tokens + t) * width;
      for (std::int64_t i = 0; i < width; ++i) to[i] = from[i] + position[i];
    }
  }
  kernels::layer_norm({.x = summed,
                       .rows = count * tokens,
                       .width = width,
                       .gain = ln_pre.gain.data(),
                       .bias = ln_pre.bias.data(),
                       .out = x});
  MIEN_RETURN_IF_ERROR(transformer.run(x, count, tokens, true, session));
  float* pooled = reserve(session.pooled, count * width);
  kernels::layer_norm({.x = x,
                       .rows = count,
                       .width = width,
                       .gain = ln_post.gain.data(),
                       .bias = ln_post.bias.data(),
                       .out = pooled});
  return projection.run(pooled, count, out, session.workspace);
}

Result<std::unique_ptr<ImageEncoder::Impl>> load_vit(const checkpoint::Checkpoint& weights,
                                                     const VitSizes& sizes,
                                                     const ImageEncoderOptions& options) {
  auto impl = std::make_unique<VitImage>();
  impl->sizes = sizes;
  const TensorView* conv = weights.find("visual.conv1.weight");
  const TensorView* proj = weights.find("visual.proj");
  MIEN_CHECK(conv != nullptr && proj != nullptr);
  // A convolution whose stride is its size is a matrix product over patches.
  const TensorView flat(conv->dtype(), {sizes.width, std::int64_t{3} * sizes.patch * sizes.patch},
                        conv->bytes());
  MIEN_ASSIGN_OR_RETURN(impl->patches, kernels::Linear::pack(flat, nullptr, {}));
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "visual.class_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "visual.positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_pre, load_norm(weights, "visual.ln_pre"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_post, load_norm(weights, "visual.ln_post"));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "visual.transformer.resblocks.", kClipBlock,
                                          {.width = sizes.width,
                                           .heads = sizes.heads,
                                           .head_width = sizes.width / sizes.heads,
                                           .layers = sizes.layers,
                                           .activation = sizes.activation},
                                          options.precision));
  MIEN_ASSIGN_OR_RETURN(impl->projection,
                        kernels::Linear::pack(*proj, nullptr, {.weight_is_in_out = true}));
  impl->per_pass = std::max<std::int64_t>(1, kRowsPerPass / sizes.tokens());
  return std::unique_ptr<ImageEncoder::Impl>(std::move(impl));
}

}  // namespace

constinit const ImageKind<VitSizes> kVitKind = {
    .type = "vit",
    .name = "ViT",
    .parse = parse_vit,
    .write = write_vit,
    .check = check_vit,
    .add_tensors = add_vit,
    .load = load_vit,
    .model_name = vit_name,
    .describe = describe_vit,
    .operations = vit_operations,
    .has_projection = [](const VitSizes&) { return true; },
    .map_channels = [](const VitSizes& sizes) { return sizes.width; },
    .takes_int8 =
        [](std::string_view tensor) {
          return is_clip_block_weight(tensor, "visual.transformer.resblocks.");
        },
    .activation_is_choice = true,
};

}  // namespace mien::engine
