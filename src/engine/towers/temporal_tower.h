#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/transformer.h"
#include "mien/engine/temporal.h"

namespace mien::engine {

/// The network of a temporal model; every kind derives its own.
struct TemporalEncoder::Impl {
  virtual ~Impl() = default;
  /// As TemporalEncoder::encode, for as many clips as fit one pass.
  virtual Status encode_pass(const float* frames, std::int64_t clips, std::int64_t count,
                             float* out, Session::Impl& session) const = 0;

  std::int64_t width = 0;  ///< of a frame embedding
  int max_frames = 0;
};

/// One kind of temporal model: all that the rest of the engine asks of it. `Sizes` is its
/// alternative of TemporalTower. No pointer is null.
template <class Sizes>
struct TemporalKind {
  std::string_view type;  ///< in bundle.json
  std::string_view name;  ///< in messages
  /// Reads all keys but `type`. Errors: kCorrupt: a key that is missing or unknown, or a size out
  /// of range.
  Result<Sizes> (*parse)(const Json& json, std::string_view subject);
  /// Adds all keys but `type`.
  void (*write)(const Sizes& sizes, Json& out);
  /// Errors: kCorrupt: sizes that do not fit together, or the joint space of width `embed`.
  Status (*check)(const Sizes& sizes, int embed, std::string_view subject);
  void (*add_tensors)(const Sizes& sizes, int embed, std::vector<ExpectedTensor>& out);
  /// Sets everything but the fields of the base. `precision` is never kInt8. Precondition:
  /// check_tensors passed.
  Result<std::unique_ptr<TemporalEncoder::Impl>> (*load)(const checkpoint::Checkpoint& weights,
                                                         const Sizes& sizes,
                                                         kernels::Precision precision);
  std::string (*describe)(const Sizes& sizes);
  /// Whether one frame gives another embedding than the frame's own, so that pictures have to be
  /// read as sequences of one.
  bool changes_pictures = true;
};

}  // namespace mien::engine
