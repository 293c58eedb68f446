#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/face_views.h"
#include "engine/pixel_patch.h"
#include "engine/towers/table.h"
#include "kernels/parallel.h"

namespace mien::engine {

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

Status ImageEncoder::Impl::first_map(const float* /*pixels*/, std::vector<float>& /*out*/,
                                     Session::Impl& /*session*/) const {
  return unsupported("image tower: its first layer makes no map to place a patch by");
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
  MIEN_ASSIGN_OR_RETURN(auto impl,
                        with_kind(architecture.image, [&](const auto& kind, const auto& sizes) {
                          return kind.load(weights, sizes, options);
                        }));
  impl->image_size = architecture.image_size();
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

int ImageEncoder::image_size() const { return impl_->image_size; }
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
