#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "methods/kit/card.h"
#include "methods/kit/common_training.h"
#include "methods/kit/sample_method.h"
#include "methods/kit/tower_export.h"
#include "methods/kit/towers.h"

namespace mien::methods {

/// A method that trains around both towers of a bundle: embeds the frames of samples, caches the
/// embeddings while the image tower is frozen, and writes a new bundle with the same towers.
class TowerMethod : public SampleMethod {
 public:
  int epochs(int) const override { return run_.epochs; }
  std::string selects_by() const override {
    return run_.select == "last" ? std::string() : run_.select;
  }

  const Towers& towers() const { return *towers_; }
  /// How frames are read in the current stage; only some stages augment them.
  virtual SequenceReader reader() const = 0;

 protected:
  TowerMethod(DataOptions data, const CommonTraining& run, MethodContext context)
      : SampleMethod(std::move(data), std::move(context)), run_(run) {}

  /// Loads both towers, freezes them, and seeds LibTorch's generator for what the method draws.
  Status load_towers();
  /// Embeds every frame once, as reader() preprocesses it. `key` is part of the name of the cache,
  /// so that methods which preprocess alike do not share one.
  Status cache_frames(std::string_view key);
  /// Whether items are embeddings from the cache instead of pixels.
  virtual bool cached() const { return !train_rows_.empty(); }
  /// Pixels or cached embeddings of the frames that reader() takes.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  /// make_item with another reader.
  Result<ClipItem> read_as(const SequenceReader& clips, const data::Manifest& manifest,
                           video::SamplingPhase phase, std::int64_t place, Rng& rng) const;
  /// Embeddings of the frames, in the tower's type. Shape: -> [items, frames, embed]. `frozen`: the
  /// image tower still has the bundle's weights, so the engine's faster twin may run instead.
  torch::Tensor frame_rows(const Items& items, bool frozen);

  /// The parameters of the image tower without its running statistics, which no optimiser steps.
  /// Empty, with gradients off, unless the tower `trains`.
  ParameterGroup image_group(bool trains);

  /// "init": as the first bundle preprocesses; else a square with values from 0 to 1.
  image::PreprocessSpec preprocess_as(const std::string& choice) const;
  /// What preprocess_as does, as a sentence for the card.
  static std::string pixels_fact(const std::string& choice);

  /// The part of a bundle's description that follows from towers, data and reader(). It has no
  /// temporal model.
  engine::BundleInfo bundle_info(std::string_view method) const;
  /// Writes a bundle with the towers' tokenizer. Errors: those of write_bundle.
  Status write(engine::BundleInfo info, const TowerExport& tensors, const Card& card,
               const std::filesystem::path& path, bool overwrite) const;
  /// The classes, as a card lists them.
  std::string class_names() const;

  CommonTraining run_;
  std::optional<Towers> towers_;

 private:
  FrameCache train_rows_, val_rows_;
};

}  // namespace mien::methods
