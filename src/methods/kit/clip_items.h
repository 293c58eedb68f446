#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/views.h"
#include "methods/kit/frame_cache.h"
#include "methods/kit/training_data.h"
#include "mien/core/rng.h"
#include "mien/data/manifest.h"

namespace mien::methods {

/// A loaded sample: pixels [frames, 3, S, S], or cached embeddings [frames, embed].
struct ClipItem {
  std::vector<float> values = {};
  std::int64_t place = 0;
  std::int64_t text = -1;  ///< of the texts of the run, when one was drawn for it
};

/// The sample with this index: its pixels, or its rows of `cache` unless that is empty. Errors:
/// those of the reader and the cache.
Result<ClipItem> read_item(const data::Manifest& manifest, std::int64_t place,
                           const SequenceReader& reader, video::SamplingPhase phase,
                           const FrameCache& cache, Rng& rng);
/// Shape: -> `sizes`, with the items' values one after the other.
torch::Tensor stack_items(const std::vector<ClipItem>& items,
                          const std::vector<std::int64_t>& sizes);
/// The class of every item. Shape: -> [items] int64. Precondition: keep_labelled.
torch::Tensor labels_of(const data::Manifest& manifest, const std::vector<ClipItem>& items);

}  // namespace mien::methods
