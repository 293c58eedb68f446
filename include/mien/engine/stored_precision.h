#pragma once

#include <string>
#include <string_view>

namespace mien::engine {

/// What follows the name of a weight stored as I8 in the name of its scales: F32, one per output.
inline constexpr const char* kScaleSuffix = ".scale";

/// True for the weights that run in int8, and that may be stored so: those of the blocks of vision
/// transformers (ViT, Swin) and of CLIP's text tower. Patches, projections, norms, tables,
/// convolutions and small towers stay in floating point.
bool takes_int8(std::string_view tensor);

}  // namespace mien::engine
