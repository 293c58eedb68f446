#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/embedding_cache.h"
#include "methods/kit/training_data.h"
#include "mien/methods/method.h"
#include "mien/methods/registry.h"

namespace mien::methods {

struct FrameCacheOptions {
  std::string key;   ///< what the rows depend on besides tower, preprocessing and manifest
  std::string what;  ///< for people: "training frames"
  int threads = 2;
  std::int64_t width = 0;
  NamedTorchTensors tower = {};  ///< whose values belong to the key
  /// Shape: pixels [N, 3, S, S] -> [N, width].
  std::function<torch::Tensor(const torch::Tensor& pixels)> encode;
};

/// Embeddings of all frames of a manifest by a frozen image tower, kept on disk. Cheap to copy.
class FrameCache {
 public:
  FrameCache() = default;  ///< empty
  /// Errors: those of EmbeddingCache::open. Unreadable frames are reported by copy().
  static Result<FrameCache> open(const data::Manifest& manifest, const SequenceReader& reader,
                                 const FrameCacheOptions& options, const MethodContext& context);

  bool empty() const { return cache_ == nullptr; }
  /// The rows of some frames of a sample, one after the other. Errors: kCorrupt naming
  /// a frame that could not be read.
  Result<std::vector<float>> copy(const data::Sample& sample, std::int64_t place,
                                  const video::FrameIndices& indices) const;

 private:
  std::shared_ptr<const data::EmbeddingCache> cache_;
  std::shared_ptr<const std::vector<std::int64_t>> first_;  ///< row per sample
};

/// The caches of both parts of the data, the same one when they are of one manifest. `options.what`
/// is filled in. Errors: those of FrameCache::open.
Status open_caches(const TrainingData& data, const SequenceReader& reader,
                   FrameCacheOptions options, const MethodContext& context, FrameCache& train,
                   FrameCache& val);

}  // namespace mien::methods
