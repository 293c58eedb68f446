#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/face_views.h"
#include "engine/image_towers.h"
#include "engine/pixel_patch.h"
#include "kernels/ops.h"
#include "kernels/parallel.h"

namespace mien::engine {
namespace {

/// CLIP's vision transformer.
struct VitImage final : ImageEncoder::Impl {
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
  const std::int64_t cells = tower.tokens() - 1;
  const std::int64_t depth = std::int64_t{3} * tower.patch * tower.patch;
  float* rows = session.input.reserve_as<float>(static_cast<std::size_t>(cells * depth));
  gather_patches(pixels, 1, tower.image_size, tower.patch, rows);
  out.resize(static_cast<std::size_t>(cells * tower.width));
  return patches.run(rows, cells, out.data(), session.workspace);
}

Status VitImage::encode_pass(const float* pixels, std::int64_t count, float* out,
                             Session::Impl& session) const {
  const std::int64_t width = tower.width;
  const std::int64_t tokens = tower.tokens();
  const std::int64_t grid_tokens = tokens - 1;
  const std::int64_t depth = std::int64_t{3} * tower.patch * tower.patch;
  const auto reserve = [](kernels::Buffer& buffer, std::int64_t elements) {
    return buffer.reserve_as<float>(static_cast<std::size_t>(elements));
  };
  float* patch_rows = reserve(session.input, count * grid_tokens * depth);
  float* embedded = reserve(session.hidden, count * grid_tokens * width);
  float* x = reserve(session.stream, count * tokens * width);
  gather_patches(pixels, count, tower.image_size, tower.patch, patch_rows);
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

}  // namespace

void gather_patches(const float* pixels, std::int64_t count, std::int64_t size, std::int64_t patch,
                    float* out) {
  const std::int64_t grid = size / patch;
  const std::int64_t depth = 3 * patch * patch;
  kernels::parallel_for(count * grid, [&](std::int64_t line) {
    const std::int64_t n = line / grid, gy = line % grid;
    for (std::int64_t c = 0; c < 3; ++c) {
      for (std::int64_t y = 0; y < patch; ++y) {
        const float* row = pixels + ((n * 3 + c) * size + gy * patch + y) * size;
        for (std::int64_t gx = 0; gx < grid; ++gx) {
          float* to = out + ((n * grid + gy) * grid + gx) * depth + (c * patch + y) * patch;
          std::memcpy(to, row + gx * patch, static_cast<std::size_t>(patch) * sizeof(float));
        }
      }
    }
  });
}

Result<std::unique_ptr<ImageEncoder::Impl>> load_vit(const checkpoint::Checkpoint& weights,
                                                     const Architecture& architecture,
                                                     kernels::Precision precision) {
  auto impl = std::make_unique<VitImage>();
  const ImageTower& tower = architecture.image;
  const TensorView* conv = weights.find("visual.conv1.weight");
  const TensorView* proj = weights.find("visual.proj");
  MIEN_CHECK(conv != nullptr && proj != nullptr);
  // A convolution whose stride is its size is a matrix product over patches.
  const TensorView flat(conv->dtype(), {tower.width, std::int64_t{3} * tower.patch * tower.patch},
                        conv->bytes());
  MIEN_ASSIGN_OR_RETURN(impl->patches, kernels::Linear::pack(flat, nullptr, {}));
  MIEN_ASSIGN_OR_RETURN(impl->class_token, load_vector(weights, "visual.class_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->positions, load_vector(weights, "visual.positional_embedding"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_pre, load_norm(weights, "visual.ln_pre"));
  MIEN_ASSIGN_OR_RETURN(impl->ln_post, load_norm(weights, "visual.ln_post"));
  MIEN_ASSIGN_OR_RETURN(impl->transformer,
                        Transformer::load(weights, "visual.transformer.resblocks.", kClipBlock,
                                          {.width = tower.width,
                                           .heads = tower.heads,
                                           .head_width = tower.width / tower.heads,
                                           .layers = tower.layers,
                                           .activation = tower.activation},
                                          precision));
  MIEN_ASSIGN_OR_RETURN(impl->projection,
                        kernels::Linear::pack(*proj, nullptr, {.weight_is_in_out = true}));
  impl->per_pass = std::max<std::int64_t>(1, kRowsPerPass / tower.tokens());
  return std::unique_ptr<ImageEncoder::Impl>(std::move(impl));
}

Status ImageEncoder::Impl::first_map(const float* /*pixels*/, std::vector<float>& /*out*/,
                                     Session::Impl& /*session*/) const {
  return unsupported(
      "image tower: has no map that a patch could be placed by (expected a ViT or a residual "
      "network)");
}

ImageEncoder::ImageEncoder(std::unique_ptr<Impl> impl, std::unique_ptr<const PixelPatch> patch,
                           int views)
    : impl_(std::move(impl)), patch_(std::move(patch)), views_(views) {}
ImageEncoder::~ImageEncoder() = default;

Result<std::shared_ptr<const ImageEncoder>> ImageEncoder::load(
    const checkpoint::Checkpoint& weights, const Architecture& architecture,
    const ImageEncoderOptions& options) {
  if (!is_view_count(options.views)) {
    return invalid_argument(fmt::format("views: {} (expected 1, 2 or 4)", options.views));
  }
  const kernels::Precision precision = options.precision;
  std::unique_ptr<Impl> impl;
  if (architecture.image.residual) {
    MIEN_ASSIGN_OR_RETURN(
        impl, load_residual(weights, architecture, without_int8(precision), options.many_pictures));
  } else if (architecture.image.swin) {
    MIEN_ASSIGN_OR_RETURN(impl, load_swin(weights, architecture, precision));
  } else {
    MIEN_ASSIGN_OR_RETURN(impl, load_vit(weights, architecture, precision));
  }
  impl->tower = architecture.image;
  impl->embed = architecture.embed;
  std::unique_ptr<const PixelPatch> patch;
  if (architecture.prompt) {
    MIEN_ASSIGN_OR_RETURN(patch, PixelPatch::load(weights, architecture));
    if (options.views > 1 && patch->places_itself()) {
      return unsupported(
          fmt::format("views: {} of a bundle whose patch lies where each picture says (expected 1)",
                      options.views));
    }
  }
  return std::shared_ptr<const ImageEncoder>(
      new ImageEncoder(std::move(impl), std::move(patch), options.views));
}

int ImageEncoder::image_size() const { return impl_->tower.image_size; }
int ImageEncoder::embed() const { return static_cast<int>(impl_->embed); }

Status ImageEncoder::encode(const float* pixels, std::int64_t count, float* out, Session& session,
                            std::span<const PromptPlace> places) const {
  if (views_ == 1) return encode_as_is(pixels, count, out, session, places);
  const std::int64_t pixels_each = std::int64_t{3} * image_size() * image_size();
  const std::int64_t together = std::max<std::int64_t>(1, impl_->per_pass / views_);
  const auto reserve = [&](kernels::Buffer& buffer, std::int64_t each) {
    return buffer.reserve_as<float>(static_cast<std::size_t>(together * views_ * each));
  };
  for (std::int64_t first = 0; first < count; first += together) {
    const std::int64_t now = std::min(together, count - first);
    float* seen = reserve(session.impl().views, pixels_each);
    float* rows = reserve(session.impl().view_rows, impl_->embed);
    make_views(pixels + first * pixels_each, now, image_size(), views_, seen);
    MIEN_RETURN_IF_ERROR(encode_as_is(seen, now * views_, rows, session, {}));
    for (std::int64_t n = 0; n < now; ++n) {
      const float* of_picture = rows + n * views_ * impl_->embed;
      float* to = out + (first + n) * impl_->embed;
      for (std::int64_t i = 0; i < impl_->embed; ++i) {
        float sum = 0;
        for (std::int64_t v = 0; v < views_; ++v) sum += of_picture[v * impl_->embed + i];
        to[i] = sum / static_cast<float>(views_);
      }
    }
  }
  return {};
}

Status ImageEncoder::encode_as_is(const float* pixels, std::int64_t count, float* out,
                                  Session& session, std::span<const PromptPlace> places) const {
  MIEN_CHECK(places.empty() || static_cast<std::int64_t>(places.size()) == count);
  std::vector<PromptPlace> own;
  if (places.empty() && places_patches()) {
    MIEN_ASSIGN_OR_RETURN(own, this->places(pixels, count, session));
    places = own;
  }
  const std::int64_t pixels_each = std::int64_t{3} * image_size() * image_size();
  for (std::int64_t first = 0; first < count; first += impl_->per_pass) {
    const std::int64_t now = std::min(impl_->per_pass, count - first);
    const float* pass = pixels + first * pixels_each;
    if (patch_) {
      const auto those = places.empty() ? places
                                        : places.subspan(static_cast<std::size_t>(first),
                                                         static_cast<std::size_t>(now));
      pass = patch_->add(pass, now, those, session.impl());
    }
    MIEN_RETURN_IF_ERROR(impl_->encode_pass(pass, now, out + first * impl_->embed, session.impl()));
  }
  return {};
}

bool ImageEncoder::places_patches() const { return patch_ != nullptr && patch_->places_itself(); }

Result<std::vector<PromptPlace>> ImageEncoder::places(const float* pixels, std::int64_t count,
                                                      Session& session) const {
  MIEN_CHECK(places_patches());
  return patch_->places(*impl_, pixels, count, session.impl());
}

}  // namespace mien::engine
