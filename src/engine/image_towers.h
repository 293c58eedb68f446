#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/transformer.h"
#include "mien/engine/encoders.h"

namespace mien::engine {

/// One kind of image tower.
struct ImageEncoder::Impl {
  virtual ~Impl() = default;
  /// At most `per_pass` pictures. Shape: as ImageEncoder::encode.
  virtual Status encode_pass(const float* pixels, std::int64_t count, float* out,
                             Session::Impl& session) const = 0;

  /// What the first layer makes of one picture, channels last, in float32; the activation behind a
  /// convolution with a norm included. Shape: pixels [3, S, S] -> out [grid, grid, channels].
  /// Errors: kUnsupported for a tower that has none.
  virtual Status first_map(const float* pixels, std::vector<float>& out,
                           Session::Impl& session) const;

  ImageTower tower;
  std::int64_t embed = 0;
  std::int64_t per_pass = 1;  ///< pictures whose activations are held at a time
};

/// Squares of `patch` pixels as rows: a convolution whose stride is its size is a matrix product
/// over them. Shape: pixels [count, 3, size, size] -> out [count * grid * grid, 3 * patch * patch],
/// channel-major inside a patch.
void gather_patches(const float* pixels, std::int64_t count, std::int64_t size, std::int64_t patch,
                    float* out);

/// Precondition: check_tensors passed. Sets everything but `tower` and `embed`.
Result<std::unique_ptr<ImageEncoder::Impl>> load_vit(const checkpoint::Checkpoint& weights,
                                                     const Architecture& architecture,
                                                     kernels::Precision precision);
Result<std::unique_ptr<ImageEncoder::Impl>> load_residual(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision,
                                                          bool many_pictures);
Result<std::unique_ptr<ImageEncoder::Impl>> load_swin(const checkpoint::Checkpoint& weights,
                                                      const Architecture& architecture,
                                                      kernels::Precision precision);

}  // namespace mien::engine
