#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "methods/compact/pool_options.h"
#include "methods/compact/sequences.h"
#include "methods/kit/training_data.h"
#include "mien/engine/bundle.h"
#include "nn/attention_pool.h"

namespace mien::methods {

inline constexpr int kShortest = 3;  ///< frames of a sequence

/// Training of the attention pool.
class TemporalPoolMethod : public Method {
 public:
  Status prepare();

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int) const override { return recipe_.training.steps; }
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int, int) override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 protected:
  TemporalPoolMethod(const TemporalPoolRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

 private:
  /// Embeddings of pictures, and which of them may be put into a sequence.
  struct Table {
    torch::Tensor rows;  ///< [views, pictures, embed] of unit length
    SequencePictures pictures;
  };
  struct Batch {
    torch::Tensor frames;   ///< [sequences, frames, embed]
    torch::Tensor labels;   ///< [sequences]
    torch::Tensor showing;  ///< [sequences, embed], mean of the frames that show the expression
  };

  Status prepare_labels();
  Result<Table> table(const data::Manifest& manifest, const data::View& view, int views,
                      const std::string& which);
  Status fill(const data::Manifest& manifest, const std::vector<std::int64_t>& places,
              std::int64_t first, std::span<float> out);
  Batch draw(const Table& table, std::int64_t count, int frames, Rng& rng) const;
  /// Shape: embeddings [clips, embed] -> [clips, classes].
  torch::Tensor scores(const torch::Tensor& clips) const;

  TemporalPoolRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  std::shared_ptr<const engine::Bundle> bundle_;
  std::shared_ptr<const engine::ImageEncoder> encoder_;
  engine::Session session_;
  torch::Tensor labels_;  ///< [classes, embed]
  double scale_ = 1;
  nn::AttentionPool pool_{nullptr};
  Table train_, val_;
  std::uint64_t epoch_seed_ = 0;
  std::int64_t at_ = 0;
};

}  // namespace mien::methods
