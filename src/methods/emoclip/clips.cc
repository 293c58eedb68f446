// Frames of EmoCLIP's clips, and the cache of their embeddings.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/emoclip/train.h"

namespace mien::methods {

SequenceReader EmoclipMethod::reader(bool training) const {
  const EmoclipTraining& options = training_;
  SequenceReader out;
  const int side = model_.architecture.image_size();
  out.preprocess = options.preprocess == "emoclip" ? image::PreprocessSpec::normalized_first(side)
                                                   : image::PreprocessSpec::clip(side);
  if (options.grey) {
    image::PreprocessStep grey;
    grey.kind = image::PreprocessStep::Kind::kGrey;
    out.preprocess.steps.insert(out.preprocess.steps.begin(), grey);
  }
  out.sampling = {.rule = video::SamplingRule::kStridedWindow,
                  .frames = options.frames,
                  .stride = training ? options.stride : options.val_stride};
  out.augment = options.augment;
  return out;
}

Status EmoclipMethod::prepare_cache() {
  if (!training_.cache || model_.trains_visual || training_.augment.any()) return {};
  FrameCacheOptions options;
  options.key = fmt::format("{} {}", options_.init, context_.seed);
  options.threads = data_options_.threads;
  options.width = model_.architecture.embed;
  for (const auto& item : model_.clip->published()) {
    if (item.first.starts_with("visual.")) options.tower.push_back(item);
  }
  options.encode = [this](const torch::Tensor& pixels) {
    return model_.frames(pixels.unsqueeze(0)).squeeze(0);
  };
  return open_caches(data_, reader(true), options, context_, train_rows_, val_rows_);
}

Result<ClipItem> EmoclipMethod::make_item(const data::Manifest& manifest,
                                          video::SamplingPhase phase, std::int64_t place,
                                          Rng& rng) const {
  const bool training = phase == video::SamplingPhase::kTrain;
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  ClipItem out{.place = place};
  if (training && !regresses()) {
    MIEN_ASSIGN_OR_RETURN(out.text, choose_text(sample, place, rng));
  }
  const SequenceReader clips = reader(training);
  // In validation the random start depends on the sample only, so it is the same in every epoch.
  Rng first_frame(0);
  const bool starts_at_first = !training && !training_.val_random;
  if (!cached()) {
    if (starts_at_first) {
      SequenceReader fixed = clips;
      MIEN_ASSIGN_OR_RETURN(
          const auto indices,
          video::sample_strided_window(static_cast<std::int64_t>(sample.frames.size()),
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
  MIEN_ASSIGN_OR_RETURN(const auto indices,
                        video::sample_strided_window(
                            static_cast<std::int64_t>(sample.frames.size()), clips.sampling.frames,
                            clips.sampling.stride, starts_at_first ? nullptr : &rng));
  MIEN_ASSIGN_OR_RETURN(out.values,
                        (training ? train_rows_ : val_rows_).copy(sample, place, indices));
  return out;
}

}  // namespace mien::methods
