#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors.h"
#include "mien/core/status.h"
#include "mien/kernels/linear.h"

namespace mien::engine {

class Bundle;

/// What follows the name of a weight stored as I8 in the name of its scales: F32, one per output.
inline constexpr const char* kScaleSuffix = ".scale";

/// True for the weights that run in int8, and that may be stored so: those of the blocks of vision
/// transformers (ViT, Swin) and of CLIP's text tower. Patches, projections, norms, tables,
/// convolutions and small towers stay in floating point.
bool takes_int8(std::string_view tensor);

/// The tensors of a bundle with another type for the weights that takes_int8 names.
struct StoredTensors {
  checkpoint::NamedTensors tensors;  ///< views into `owned`, and of the source
  std::vector<Tensor> owned;
  int changed = 0;  ///< weights of another type than before
};
/// Rounds as packing at load does, so the bundle gives the same answers as the source at that
/// precision. kF32 makes floats of I8. Errors: kUnsupported when there is no such weight.
Result<StoredTensors> store_as(const checkpoint::Checkpoint& weights, kernels::Precision precision);

/// How far embeddings of the same pictures are from those in fp32.
struct Agreement {
  std::int64_t pictures = 0;
  double least_cosine = 1;
  double mean_cosine = 1;
  double same_first = 1;  ///< share of pictures with the same best label; 1 without labels
};
/// Shape: pixels [count, 3, S, S] preprocessed. Labels are those of `truth`.
/// Errors: kInvalidArgument when the bundles have other sizes.
Result<Agreement> compare_precision(const Bundle& truth, const Bundle& other,
                                    std::span<const float> pixels);
/// The accuracy rule: least cosine of 0.9995 (bf16) or 0.99 (int8), and the same best label for 99
/// of 100 pictures.
bool keeps_rule(const Agreement& agreement, kernels::Precision precision);

}  // namespace mien::engine
