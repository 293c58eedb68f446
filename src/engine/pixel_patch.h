#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/towers/image_tower.h"

namespace mien::engine {

/// HESP's learned patch of pixels, and the rule that places it when the bundle names no place.
/// Immutable; shared by threads. Source: arXiv 2404.17100.
class PixelPatch {
 public:
  /// Precondition: check_tensors passed, the architecture has a prompt.
  static Result<std::unique_ptr<const PixelPatch>> load(const checkpoint::Checkpoint& weights,
                                                        const Architecture& architecture);

  bool places_itself() const { return prompt_.labels > 0; }
  /// See ImageEncoder::places.
  Result<std::vector<PromptPlace>> places(const ImageEncoder::Impl& tower, const float* pixels,
                                          std::int64_t count, Session::Impl& session) const;
  /// The pictures with the patch on them, valid until the session is used again; `places` as for
  /// ImageEncoder::encode.
  const float* add(const float* pixels, std::int64_t count, std::span<const PromptPlace> places,
                   Session::Impl& session) const;

 private:
  PixelPatch() = default;

  PixelPrompt prompt_;
  std::int64_t side_ = 0;
  std::int64_t embed_ = 0;
  std::int64_t channels_ = 0;      // of the first layer's map
  std::vector<float> patch_;       // [3, size, size]
  std::vector<float> texts_;       // [labels, embed], unit rows
  std::vector<float> classifier_;  // [labels, channels]
  std::vector<float> scale_;       // [2, 3]: mean and deviation of the normalisation
};

}  // namespace mien::engine
