#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "mien/data/manifest.h"
#include "mien/engine/bundle.h"
#include "mien/engine/reference.h"
#include "mien/tensor/tensor.h"

namespace mien::eval {

struct ReferenceOptions {
  std::int64_t faces = 72;       ///< of a class, at most
  std::int64_t directions = 16;  ///< of the plane that the faces lie in, at most
  double accept = 0.95;          ///< of the validation samples, for any labels
  std::uint64_t seed = 1;
  double max_bad_share = 0.01;  ///< as RunOptions
  const std::atomic<bool>* cancel = nullptr;
};

struct MadeReference {
  engine::ReferenceInfo info;
  Tensor faces;                ///< F16
  Tensor basis;                ///< F32
  std::int64_t validated = 0;  ///< samples of `val` that counted
};

/// Makes the reference of a bundle (engine::Reference) from its training samples, and fits its
/// numbers on validation samples. The truth of a sample is what more than half of its annotators
/// say (single votes do not count), else its label. Faces are read whole. Words are those of the
/// captions, votes and measures of the samples, and of the texts of labels and classes.
/// Errors: kInvalidArgument when the bundle has no labels, or fewer than two of the classes have
/// samples in both; those of the bundle; kCorrupt for too many unreadable samples; kCancelled.
Result<MadeReference> make_reference(const std::shared_ptr<const engine::Bundle>& bundle,
                                     const data::Manifest& train, const data::Manifest& val,
                                     const ReferenceOptions& options = {});

}  // namespace mien::eval
