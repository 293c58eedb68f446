#include "convert/trial.h"

#include <algorithm>

#include "convert/features.h"

namespace mien::convert {
namespace {

Result<std::vector<float>> try_image_tower(const engine::ImageEncoder& encoder) {
  const auto side = static_cast<std::size_t>(encoder.image_size());
  std::vector<float> pixels(3 * side * side);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    pixels[i] = static_cast<float>(i % 251) / 125.0F - 1.0F;
  }
  std::vector<float> out(static_cast<std::size_t>(encoder.embed()));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder.encode(pixels.data(), 1, out.data(), session));
  if (!is_finite(out)) {
    return corrupt("checkpoint: image tower gives numbers that are not finite");
  }
  return out;
}

Result<std::vector<float>> try_temporal_model(const engine::TemporalEncoder& encoder, int embed) {
  const int frames = std::min(2, encoder.max_frames());
  std::vector<float> rows(static_cast<std::size_t>(frames) * static_cast<std::size_t>(embed));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<float>(i % 17) / 8.0F - 1.0F;
  }
  std::vector<float> out(static_cast<std::size_t>(embed));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(encoder.encode(rows.data(), 1, frames, out.data(), session));
  if (!is_finite(out)) {
    return corrupt("checkpoint: temporal model gives numbers that are not finite");
  }
  return out;
}

Result<std::vector<float>> try_regressor(const engine::Regressor& head, int embed) {
  std::vector<float> clips(2 * static_cast<std::size_t>(embed));
  for (std::size_t i = 0; i < clips.size(); ++i) {
    clips[i] = static_cast<float>(i % 19) / 9.0F - 1.0F;
  }
  std::vector<float> out(2 * static_cast<std::size_t>(head.targets()));
  engine::Session session;
  MIEN_RETURN_IF_ERROR(head.predict(clips.data(), 2, out.data(), session));
  if (!is_finite(out)) {
    return corrupt("checkpoint: regression head gives numbers that are not finite");
  }
  return out;
}

}  // namespace

Result<Trial> try_weights(const checkpoint::Checkpoint& weights,
                          const engine::Architecture& architecture) {
  Trial out;
  {
    // One part after the other to save memory: the packed weights of an image tower are as large as
    // the file.
    MIEN_ASSIGN_OR_RETURN(const auto image, engine::ImageEncoder::load(weights, architecture, {}));
    MIEN_ASSIGN_OR_RETURN(out.picture, try_image_tower(*image));
  }
  if (architecture.temporal) {
    MIEN_ASSIGN_OR_RETURN(
        const auto temporal,
        engine::TemporalEncoder::load(weights, architecture, kernels::Precision::kF32));
    MIEN_ASSIGN_OR_RETURN(out.clip, try_temporal_model(*temporal, architecture.embed));
  }
  if (architecture.regression) {
    MIEN_ASSIGN_OR_RETURN(const auto head, engine::Regressor::load(weights, architecture));
    MIEN_ASSIGN_OR_RETURN(out.regression, try_regressor(*head, architecture.embed));
  }
  return out;
}

Result<Trial> try_bundle(const engine::Bundle& bundle) {
  const int embed = bundle.info().architecture.embed;
  Trial out;
  MIEN_ASSIGN_OR_RETURN(const auto image, bundle.image_encoder());
  MIEN_ASSIGN_OR_RETURN(out.picture, try_image_tower(*image));
  MIEN_ASSIGN_OR_RETURN(const auto temporal, bundle.temporal_encoder());
  if (temporal) {
    MIEN_ASSIGN_OR_RETURN(out.clip, try_temporal_model(*temporal, embed));
  }
  MIEN_ASSIGN_OR_RETURN(const auto head, bundle.regressor());
  if (head) {
    MIEN_ASSIGN_OR_RETURN(out.regression, try_regressor(*head, embed));
  }
  return out;
}

Status check_same(const Trial& before, const Trial& after, const std::string& subject) {
  if (before.picture != after.picture) {
    return internal_error(subject + ": embedding differs from the one before writing");
  }
  if (before.clip != after.clip) {
    return internal_error(subject + ": clip embedding differs from the one before writing");
  }
  if (before.regression != after.regression) {
    return internal_error(subject + ": regression values differ from those before writing");
  }
  return {};
}

}  // namespace mien::convert
