#include "methods/kit/picture_store.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "data/loader.h"
#include "mien/core/check.h"

namespace mien::methods {

Result<std::shared_ptr<const PictureStore>> PictureStore::read(
    const data::Manifest& manifest, const data::View& view, const image::PreprocessSpec& spec,
    const DataOptions& options, const std::function<void(std::int64_t)>& progress) {
  const auto side = static_cast<std::size_t>(spec.output_size());
  const auto out = std::make_shared<PictureStore>();
  out->area_ = side * side;
  out->rows_.assign(manifest.samples.size(), -1);
  out->values_.reserve(view.size() * out->area_);
  const SequenceReader reader{.preprocess = spec, .sampling = {}};
  // An empty picture stands for an unreadable one.
  std::int64_t bad = 0;
  Status problem;
  data::Loader<std::pair<std::vector<float>, Status>> loader(
      [&](std::int64_t place, Rng&) -> Result<std::pair<std::vector<float>, Status>> {
        std::vector<float> planes(3 * side * side);
        const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
        Status status = reader.read(manifest, sample.frames.front(), planes);
        planes.resize(status.ok() ? side * side : 0);
        return std::pair(std::move(planes), std::move(status));
      },
      {.threads = options.threads, .ahead = 256});
  loader.start(view, 0);
  for (const std::int64_t place : view) {
    MIEN_ASSIGN_OR_RETURN(const auto picture, loader.next());
    if (picture.first.empty()) {
      ++bad;
      problem = picture.second;
      continue;
    }
    auto& row = out->rows_[static_cast<std::size_t>(place)];
    row = static_cast<std::int64_t>(out->values_.size() / out->area_);
    out->values_.insert(out->values_.end(), picture.first.begin(), picture.first.end());
    if (progress && row % 256 == 0) progress(row);
  }
  if (bad > 0 &&
      static_cast<double>(bad) > options.max_bad_share * static_cast<double>(view.size())) {
    return problem.with_prefix("too many samples are unreadable; the last");
  }
  return std::shared_ptr<const PictureStore>(out);
}

std::span<const float> PictureStore::plane(std::int64_t place) const {
  const std::int64_t row = rows_[static_cast<std::size_t>(place)];
  MIEN_CHECK(row >= 0);
  return std::span(values_).subspan(static_cast<std::size_t>(row) * area_, area_);
}

torch::Tensor PictureStore::planes(std::span<const std::int64_t> places) const {
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(area_)));
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(places.size()), 1, side, side});
  float* to = out.data_ptr<float>();
  for (const std::int64_t place : places) {
    const std::span<const float> from = plane(place);
    to = std::copy(from.begin(), from.end(), to);
  }
  return out;
}

void PictureStore::keep_readable(data::View& view) const {
  std::erase_if(view,
                [&](std::int64_t place) { return rows_[static_cast<std::size_t>(place)] < 0; });
}

Status read_pictures(TrainingData& data, const image::PreprocessSpec& spec,
                     const DataOptions& options, const MethodContext& context,
                     std::shared_ptr<const PictureStore>& train,
                     std::shared_ptr<const PictureStore>& val) {
  const auto read = [&](const data::Manifest& manifest, const data::View& view, const char* what) {
    return PictureStore::read(manifest, view, spec, options, [&](std::int64_t done) {
      if (context.progress) context.progress(what, done, static_cast<std::int64_t>(view.size()));
    });
  };
  MIEN_ASSIGN_OR_RETURN(train, read(*data.train, data.train_view, "pictures"));
  MIEN_ASSIGN_OR_RETURN(val, read(*data.val, data.val_view, "validation pictures"));
  train->keep_readable(data.train_view);
  val->keep_readable(data.val_view);
  return {};
}

}  // namespace mien::methods
