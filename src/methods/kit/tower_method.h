#pragma once

#include <torch/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "methods/kit/card.h"
#include "methods/kit/run_options.h"
#include "methods/kit/sample_method.h"
#include "methods/kit/tower_export.h"
#include "methods/kit/towers.h"

namespace mien::methods {

/// A method around both towers of a bundle: what a sample becomes in the image tower, a cache of
/// that while the tower is frozen, and a bundle that has the towers again.
class TowerMethod : public SampleMethod {
 public:
  int epochs(int) const override { return run_.epochs; }
  std::string selects_by() const override {
    return run_.select == "last" ? std::string() : run_.select;
  }

  const Towers& towers() const { return *towers_; }
  /// How frames are read now: a stage may change them at random, another not.
  virtual ClipReader reader() const = 0;

 protected:
  TowerMethod(DataOptions data, const RunOptions& run, MethodContext context)
      : SampleMethod(std::move(data), std::move(context)), run_(run) {}

  /// Loads the towers, all of them frozen, and seeds what is drawn after that.
  Status load_towers();
  /// Keeps the embeddings of all frames as reader() has them. `key`: whose they are, of the
  /// method, beside the towers.
  Status cache_frames(std::string_view key);
  /// Whether embeddings of the cache stand for the pixels.
  virtual bool cached() const { return !train_rows_.empty(); }
  /// Pixels or cached embeddings, as reader() has them.
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  /// read_item with another reader.
  Result<ClipItem> read_as(const ClipReader& clips, const data::Manifest& manifest,
                           video::SamplingPhase phase, std::int64_t place, Rng& rng) const;
  /// Embeddings of the frames, in the type of the tower. Shape: -> [items, frames, embed].
  /// `frozen`: the image tower is that of the bundle.
  torch::Tensor frame_rows(const Items& items, bool frozen);

  /// The parameters of the image tower without its running statistics, which learn by themselves.
  /// None, and no gradient, unless it `trains`.
  ParameterGroup image_group(bool trains);

  /// "init" as the bundle has it, else the pixels of a square from 0 to 1.
  image::PreprocessSpec preprocess_as(const std::string& choice) const;
  /// preprocess_as in a sentence of the card.
  static std::string pixels_fact(const std::string& choice);

  /// The part of a bundle's description that follows from towers, data and reader(). It has no
  /// temporal model.
  engine::BundleInfo bundle_info(std::string_view method) const;
  /// Writes a bundle with the towers' tokenizer. Errors: those of write_bundle.
  Status write(engine::BundleInfo info, const TowerExport& tensors, const Card& card,
               const std::filesystem::path& path, bool overwrite) const;
  /// The classes, as a card lists them.
  std::string class_names() const;

  RunOptions run_;
  std::optional<Towers> towers_;

 private:
  FrameCache train_rows_, val_rows_;
};

}  // namespace mien::methods
