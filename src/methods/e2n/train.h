#pragma once

#include <torch/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "methods/e2n/model.h"
#include "methods/kit/picture_store.h"
#include "methods/kit/sample_method.h"
#include "nn/neutral.h"

namespace mien::methods {

/// E2N-FER as the trainer drives it.
class E2nMethod : public SampleMethod {
 public:
  Status prepare();

  int epochs(int) const override { return training_.epochs; }
  std::vector<ParameterGroup> begin_stage(int) override;
  NamedTorchTensors state() override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<NamedValues> validate(int, int) override;
  std::string selects_by() const override {
    return training_.selects == "best" ? "war" : std::string();
  }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 protected:
  E2nMethod(const E2nRecipe& recipe, const MethodContext& context)
      : SampleMethod(recipe.data, context), model_(recipe.model), training_(recipe.training) {}

 private:
  /// Raw features of samples, and which they are.
  struct Features {
    torch::Tensor rows;  ///< [samples, embed]
    std::vector<std::int64_t> labels;
  };

  Status prepare_model();
  Status prepare_pictures();
  data::View epoch_view(Rng& rng) const override {
    return data::tempered(*data_.train, data_.train_view, training_.balance, rng);
  }
  Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                             std::int64_t place, Rng& rng) const override;
  Status forward(const Items& items, StepOutput& out) override;
  torch::Tensor pixels_of(const Items& items) const;
  Result<Features> val_features();
  /// Temperature and threshold of the unknown rule, and the range of the distances from neutral,
  /// on the validation part.
  Status calibrate(engine::BundleInfo& info);
  Status calibrate_neutral(engine::BundleInfo& info, const Features& features);
  Status fill_tensors(engine::BundleContent& content, NamedTorchTensors& owned);
  bool learned() const { return training_.targets == "learned"; }
  /// Whether the transformation network is trained at all.
  bool uses_neutral() const { return training_.lambda_t > 0 || training_.lambda_c > 0; }

  E2nModelOptions model_;
  E2nTraining training_;
  engine::Architecture architecture_;
  image::PreprocessSpec preprocess_;
  std::vector<float> black_;  ///< a black pixel, per channel
  E2nTeacher teacher_;
  std::shared_ptr<nn::ImageTowerModule> tower_;
  nn::NeutralNetwork network_{nullptr};
  torch::Tensor targets_;      ///< [classes, embed], the texts or learned prototypes
  std::int64_t neutral_ = -1;  ///< place of the neutral class
  std::shared_ptr<const PictureStore> train_pictures_, val_pictures_;  ///< grey only
};

}  // namespace mien::methods
