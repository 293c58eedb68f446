#include "methods/kit/frame_cache.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/sha256.h"
#include "data/loader.h"

namespace mien::methods {
namespace {

constexpr std::size_t kBatch = 32;  // frames at a time

struct Picture {
  std::vector<float> values;
  bool bad = false;
};

// An unreadable frame gives a row of NaN.
Status fill_rows(const data::Manifest& manifest, const SequenceReader& reader,
                 const std::vector<std::string>& names, const FrameCacheOptions& options,
                 const MethodContext& context, std::int64_t first, std::span<float> out) {
  const at::NoGradGuard no_grad;
  const std::int64_t side = reader.preprocess.output_size();
  const auto each = static_cast<std::size_t>(3 * side * side);
  const auto width = static_cast<std::size_t>(options.width);
  const std::size_t count = out.size() / width;
  data::Loader<Picture> loader(
      [&](std::int64_t place, Rng&) -> Result<Picture> {
        Picture picture{std::vector<float>(each), false};
        picture.bad =
            !reader.read(manifest, names[static_cast<std::size_t>(place)], picture.values).ok();
        return picture;
      },
      {.threads = options.threads, .ahead = 64});
  data::View order;
  for (std::size_t i = 0; i < count; ++i) order.push_back(first + static_cast<std::int64_t>(i));
  loader.start(std::move(order), 0);
  for (std::size_t done = 0; done < count;) {
    if (context.cancel != nullptr && *context.cancel) return cancelled("embeddings: cancelled");
    const std::size_t batch = std::min(kBatch, count - done);
    torch::Tensor pixels = torch::empty({static_cast<std::int64_t>(batch), 3, side, side});
    std::vector<bool> bad(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      MIEN_ASSIGN_OR_RETURN(const Picture picture, loader.next());
      bad[i] = picture.bad;
      std::memcpy(pixels.data_ptr<float>() + i * each, picture.values.data(), 4 * each);
    }
    const torch::Tensor rows = options.encode(pixels).contiguous();
    std::memcpy(out.data() + done * width, rows.data_ptr<float>(), 4 * batch * width);
    for (std::size_t i = 0; i < batch; ++i) {
      if (bad[i]) out[(done + i) * width] = std::nanf("");
    }
    done += batch;
    if (context.progress) {
      context.progress("frames", first + static_cast<std::int64_t>(done),
                       static_cast<std::int64_t>(names.size()));
    }
  }
  return {};
}

}  // namespace

Result<FrameCache> FrameCache::open(const data::Manifest& manifest, const SequenceReader& reader,
                                    const FrameCacheOptions& options,
                                    const MethodContext& context) {
  std::vector<std::int64_t> rows;
  std::vector<std::string> names;
  for (const data::Sample& sample : manifest.samples) {
    rows.push_back(static_cast<std::int64_t>(names.size()));
    names.insert(names.end(), sample.frames.begin(), sample.frames.end());
  }
  std::string key =
      fmt::format("{} {} {}", options.key, reader.preprocess.to_json().dump(), manifest.name);
  for (const auto& [name, tensor] : options.tower) {
    const torch::Tensor whole = tensor.detach().contiguous();
    key += sha256_hex(
        std::as_bytes(std::span(whole.data_ptr<float>(), static_cast<std::size_t>(whole.numel()))));
  }
  for (const std::string& name : names) key += "\n" + name;
  data::EmbeddingCacheOptions caching;
  caching.folder = context.cache;
  caching.key = sha256_hex(std::as_bytes(std::span(key)));
  caching.rows = static_cast<std::int64_t>(names.size());
  caching.width = options.width;
  caching.cancel = context.cancel;
  caching.progress = [&](std::int64_t done) {
    if (context.progress) context.progress(options.what, done, caching.rows);
  };
  FrameCache out;
  MIEN_ASSIGN_OR_RETURN(
      out.cache_, data::EmbeddingCache::open(
                      caching, [&](std::int64_t first, std::int64_t, std::span<float> values) {
                        return fill_rows(manifest, reader, names, options, context, first, values);
                      }));
  out.first_ = std::make_shared<const std::vector<std::int64_t>>(std::move(rows));
  return out;
}

Result<std::vector<float>> FrameCache::copy(const data::Sample& sample, std::int64_t place,
                                            const video::FrameIndices& indices) const {
  const auto width = static_cast<std::size_t>(cache_->width());
  const std::int64_t first = (*first_)[static_cast<std::size_t>(place)];
  std::vector<float> out(indices.size() * width);
  for (std::size_t f = 0; f < indices.size(); ++f) {
    const auto row = std::span(out).subspan(f * width, width);
    cache_->copy_row(first + indices[f], row);
    if (std::isnan(row[0])) {
      return corrupt(sample.frames[static_cast<std::size_t>(indices[f])] + ": cannot be read");
    }
  }
  return out;
}

Status open_caches(const TrainingData& data, const SequenceReader& reader,
                   FrameCacheOptions options, const MethodContext& context, FrameCache& train,
                   FrameCache& val) {
  options.what = "training frames";
  MIEN_ASSIGN_OR_RETURN(train, FrameCache::open(*data.train, reader, options, context));
  val = train;
  if (data.val == data.train || data.val_view.empty()) return {};
  options.what = "validation frames";
  MIEN_ASSIGN_OR_RETURN(val, FrameCache::open(*data.val, reader, options, context));
  return {};
}

}  // namespace mien::methods
