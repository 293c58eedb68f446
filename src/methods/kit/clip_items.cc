#include "methods/kit/clip_items.h"

#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "mien/core/check.h"

namespace mien::methods {

Result<ClipItem> read_item(const data::Manifest& manifest, std::int64_t place,
                           const SequenceReader& reader, video::SamplingPhase phase,
                           const FrameCache& cache, Rng& rng) {
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  ClipItem out{.place = place};
  if (cache.empty()) {
    MIEN_ASSIGN_OR_RETURN(out.values, reader.clip(manifest, sample, phase, rng));
    return out;
  }
  MIEN_ASSIGN_OR_RETURN(const auto indices, reader.choose(sample, phase, rng));
  MIEN_ASSIGN_OR_RETURN(out.values, cache.copy(sample, place, indices));
  return out;
}

torch::Tensor stack_items(const std::vector<ClipItem>& items,
                          const std::vector<std::int64_t>& sizes) {
  torch::Tensor out = torch::empty(sizes);
  auto* to = out.data_ptr<float>();
  std::int64_t left = out.numel();
  for (const ClipItem& item : items) {
    left -= static_cast<std::int64_t>(item.values.size());
    MIEN_CHECK(left >= 0);
    to = std::copy(item.values.begin(), item.values.end(), to);
  }
  MIEN_CHECK(left == 0);
  return out;
}

torch::Tensor labels_of(const data::Manifest& manifest, const std::vector<ClipItem>& items) {
  std::vector<std::int64_t> out;
  for (const ClipItem& item : items) {
    out.push_back(manifest.samples[static_cast<std::size_t>(item.place)].labels.front());
  }
  return torch::tensor(out, torch::kInt64);
}

}  // namespace mien::methods
