#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/transformer.h"
#include "mien/engine/encoders.h"

namespace mien::engine {

/// One kind of text tower.
struct TextEncoder::Impl {
  virtual ~Impl() = default;
  /// As TextEncoder::encode; rows have the right length and ids inside the vocabulary.
  virtual Status encode(std::span<const std::vector<std::int32_t>> rows, float* out,
                        Session::Impl& session) const = 0;

  TextTower tower;
  std::int64_t embed = 0;
  std::shared_ptr<const checkpoint::Checkpoint> weights;  // the token table is read where it lies
};

/// Precondition: check_tensors passed. Sets everything but the fields of the base.
Result<std::unique_ptr<TextEncoder::Impl>> load_clip_text(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision);
Result<std::unique_ptr<TextEncoder::Impl>> load_word_text(const checkpoint::Checkpoint& weights,
                                                          const Architecture& architecture,
                                                          kernels::Precision precision);

}  // namespace mien::engine
