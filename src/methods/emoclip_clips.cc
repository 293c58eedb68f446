// Frames of EmoCLIP's clips, and the cache of their embeddings.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "methods/emoclip_run.h"
#include "mien/core/sha256.h"

namespace mien::methods {
namespace {

constexpr std::size_t kBatch = 32;  // frames at a time

}  // namespace

ClipReader EmoclipMethod::reader(bool training) const {
  const EmoclipTraining& options = recipe_.training;
  ClipReader out;
  const int side = model_.architecture.image.image_size;
  out.preprocess = options.preprocess == "emoclip" ? image::PreprocessSpec::emoclip(side)
                                                   : image::PreprocessSpec::clip(side);
  if (options.grey) {
    image::PreprocessStep grey;
    grey.kind = image::PreprocessStep::Kind::kGrey;
    out.preprocess.steps.insert(out.preprocess.steps.begin(), grey);
  }
  out.sampling = {.rule = video::SamplingRule::kEmoclip,
                  .frames = options.frames,
                  .stride = training ? options.stride : options.val_stride};
  out.augment = options.augment;
  return out;
}

Status EmoclipMethod::prepare_cache() {
  if (!recipe_.training.cache || model_.trains_visual || recipe_.training.augment.any()) return {};
  MIEN_ASSIGN_OR_RETURN(train_rows_, cache_rows(*data_.train, "training frames"));
  if (data_.val == data_.train) {
    val_rows_ = train_rows_;
    return {};
  }
  MIEN_ASSIGN_OR_RETURN(val_rows_, cache_rows(*data_.val, "validation frames"));
  return {};
}

Result<EmoclipMethod::CacheRows> EmoclipMethod::cache_rows(const data::Manifest& manifest,
                                                           const std::string& which) {
  CacheRows out;
  std::vector<std::string> names;
  for (const data::Sample& sample : manifest.samples) {
    out.first.push_back(static_cast<std::int64_t>(names.size()));
    names.insert(names.end(), sample.frames.begin(), sample.frames.end());
  }
  std::string key = fmt::format("{} {} {} {}", recipe_.model.init, context_.seed,
                                reader(true).preprocess.to_json().dump(), manifest.name);
  for (const auto& [name, tensor] : model_.clip->published()) {
    if (!name.starts_with("visual.")) continue;
    const torch::Tensor whole = tensor.detach().contiguous();
    key += sha256_hex(
        std::as_bytes(std::span(whole.data_ptr<float>(), static_cast<std::size_t>(whole.numel()))));
  }
  for (const std::string& name : names) key += "\n" + name;
  data::EmbeddingCacheOptions options;
  options.folder = context_.cache;
  options.key = sha256_hex(std::as_bytes(std::span(key)));
  options.rows = static_cast<std::int64_t>(names.size());
  options.width = model_.architecture.embed;
  options.cancel = context_.cancel;
  options.progress = [&](std::int64_t done) {
    if (context_.progress) context_.progress(which, done, options.rows);
  };
  MIEN_ASSIGN_OR_RETURN(out.cache,
                        data::EmbeddingCache::open(
                            options, [&](std::int64_t first, std::int64_t, std::span<float> rows) {
                              return fill_rows(manifest, names, first, rows);
                            }));
  return out;
}

// An unreadable frame gives a row of NaN, which make_clip reports as unreadable.
Status EmoclipMethod::fill_rows(const data::Manifest& manifest,
                                const std::vector<std::string>& names, std::int64_t first,
                                std::span<float> out) {
  const at::NoGradGuard no_grad;
  const ClipReader pictures = reader(true);
  const std::int64_t side = pictures.preprocess.output_size();
  const auto each = static_cast<std::size_t>(3 * side * side);
  const auto width = static_cast<std::size_t>(model_.architecture.embed);
  const std::size_t count = out.size() / width;
  struct Picture {
    std::vector<float> values;
    bool bad = false;
  };
  data::Loader<Picture> loader(
      [&](std::int64_t place, Rng&) -> Result<Picture> {
        Picture picture{std::vector<float>(each), false};
        picture.bad =
            !pictures.read(manifest, names[static_cast<std::size_t>(place)], picture.values).ok();
        return picture;
      },
      {.threads = recipe_.data.threads, .ahead = 64});
  data::View order;
  for (std::size_t i = 0; i < count; ++i) order.push_back(first + static_cast<std::int64_t>(i));
  loader.start(std::move(order), 0);
  for (std::size_t done = 0; done < count;) {
    if (context_.cancel != nullptr && *context_.cancel) return cancelled("embeddings: stopped");
    const std::size_t batch = std::min(kBatch, count - done);
    torch::Tensor pixels = torch::empty({1, static_cast<std::int64_t>(batch), 3, side, side});
    std::vector<bool> bad(batch);
    for (std::size_t i = 0; i < batch; ++i) {
      MIEN_ASSIGN_OR_RETURN(const Picture picture, loader.next());
      bad[i] = picture.bad;
      std::memcpy(pixels.data_ptr<float>() + i * each, picture.values.data(), 4 * each);
    }
    const torch::Tensor rows = model_.frames(pixels).contiguous();
    std::memcpy(out.data() + done * width, rows.data_ptr<float>(), 4 * batch * width);
    for (std::size_t i = 0; i < batch; ++i) {
      if (bad[i]) out[(done + i) * width] = std::nanf("");
    }
    done += batch;
    if (context_.progress) {
      context_.progress("frames", first + static_cast<std::int64_t>(done),
                        static_cast<std::int64_t>(names.size()));
    }
  }
  return {};
}

Result<EmoclipMethod::Clip> EmoclipMethod::make_clip(bool training, std::int64_t place,
                                                     Rng& rng) const {
  const data::Manifest& manifest = training ? *data_.train : *data_.val;
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  Clip out;
  out.place = place;
  if (!sample.labels.empty()) out.label = sample.labels.front();
  if (training && !regresses()) {
    MIEN_ASSIGN_OR_RETURN(out.text, choose_text(sample, place, rng));
  }
  const ClipReader clips = reader(training);
  // Validation has a start of its own per sample, the same in every epoch.
  Rng first_frame(0);
  const bool starts_at_first = !training && !recipe_.training.val_random;
  const auto phase = training ? video::SamplingPhase::kTrain : video::SamplingPhase::kTest;
  if (!cached()) {
    if (starts_at_first) {
      ClipReader fixed = clips;
      MIEN_ASSIGN_OR_RETURN(
          const auto indices,
          video::sample_emoclip(static_cast<std::int64_t>(sample.frames.size()),
                                fixed.sampling.frames, fixed.sampling.stride, nullptr));
      data::Sample chosen = sample;
      chosen.frames.clear();
      for (const auto i : indices)
        chosen.frames.push_back(sample.frames[static_cast<std::size_t>(i)]);
      fixed.sampling.rule = video::SamplingRule::kUniform;
      fixed.sampling.stride = 1;
      MIEN_ASSIGN_OR_RETURN(out.values, fixed.clip(manifest, chosen, phase, first_frame));
      return out;
    }
    MIEN_ASSIGN_OR_RETURN(out.values, clips.clip(manifest, sample, phase, rng));
    return out;
  }
  const CacheRows& rows = training ? train_rows_ : val_rows_;
  MIEN_ASSIGN_OR_RETURN(
      const auto indices,
      video::sample_emoclip(static_cast<std::int64_t>(sample.frames.size()), clips.sampling.frames,
                            clips.sampling.stride, starts_at_first ? nullptr : &rng));
  const auto width = static_cast<std::size_t>(rows.cache->width());
  out.values.resize(indices.size() * width);
  for (std::size_t f = 0; f < indices.size(); ++f) {
    const auto row = std::span(out.values).subspan(f * width, width);
    rows.cache->copy_row(rows.first[static_cast<std::size_t>(place)] + indices[f], row);
    if (std::isnan(row[0])) {
      return corrupt(sample.frames[static_cast<std::size_t>(indices[f])] + ": cannot be read");
    }
  }
  return out;
}

}  // namespace mien::methods
