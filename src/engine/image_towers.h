#pragma once

#include <cstdint>
#include <memory>

#include "engine/transformer.h"
#include "mien/engine/encoders.h"

namespace mien::engine {

/// One kind of image tower.
struct ImageEncoder::Impl {
  virtual ~Impl() = default;
  /// At most `per_pass` pictures. Shape: as ImageEncoder::encode.
  virtual Status encode_pass(const float* pixels, std::int64_t count, float* out,
                             Session::Impl& session) const = 0;

  ImageTower tower;
  std::int64_t embed = 0;
  std::int64_t per_pass = 1;  ///< pictures whose activations are held at a time
};

/// Precondition: check_tensors passed. Sets everything but `tower` and `embed`.
Result<std::unique_ptr<ImageEncoder::Impl>> load_vit(const checkpoint::Checkpoint& weights,
                                                     const Architecture& architecture,
                                                     kernels::Precision precision);
Result<std::unique_ptr<ImageEncoder::Impl>> load_residual(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision);

}  // namespace mien::engine
