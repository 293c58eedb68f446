#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "methods/e2n/options.h"
#include "methods/kit/picture_store.h"
#include "mien/data/loader.h"
#include "mien/engine/bundle.h"
#include "mien/loss/e2n.h"
#include "mien/methods/method.h"
#include "mien/nn/neutral.h"
#include "mien/nn/residual.h"
#include "mien/nn/swin.h"

namespace mien::methods {

inline constexpr int kE2nMlpRatio = 4;

/// The image tower of either kind.
struct E2nTower {
  nn::Swin swin{nullptr};
  nn::ResidualTower residual{nullptr};

  torch::nn::Module& module() const;
  /// Shape: pixels [N, channels, S, S] -> raw features [N, embed].
  torch::Tensor forward(const torch::Tensor& pixels) const;
  /// Every tensor that a bundle needs, without a prefix.
  NamedTorchTensors published() const;
};

E2nTower make_e2n_tower(const E2nModelOptions& options, const engine::Architecture& architecture);

/// Copies the image tower of a bundle. What comes behind the features (feature head or projection)
/// stays random when the bundle has none or one of another size, and a patch embedding of larger
/// patches is summed up, as if the picture were scaled. Errors: kCorrupt naming the first tensor
/// that does not fit otherwise.
Status load_e2n_tower(const E2nTower& tower, const checkpoint::Checkpoint& weights);

/// What the frozen text tower says of the classes.
struct E2nTeacher {
  std::shared_ptr<const engine::Bundle> bundle;
  std::vector<std::string> prompts;  ///< by class
  torch::Tensor texts;               ///< raw features [classes, embed]
  double scale = 100;                ///< factor of the cosines
};

/// Encodes the prompts of the classes once. Errors: those of the bundle; kUnsupported without a
/// text tower.
Result<E2nTeacher> read_e2n_teacher(const std::filesystem::path& path, const std::string& pattern,
                                    const std::vector<std::string>& classes);

/// What E2N-FER does to a face crop: grey as the compact family, or ImageNet's normalisation.
image::PreprocessSpec e2n_preprocess(int side, int channels);

/// E2N-FER as the trainer drives it.
class E2nMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const E2nRecipe& recipe,
                                              const MethodContext& context);

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int, int) override;
  std::string selects_by() const override {
    return recipe_.training.selects == "best" ? "war" : std::string();
  }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 private:
  struct Item {
    std::vector<float> planes;
    std::int64_t place = 0;
  };
  /// Raw features of samples, and which they are.
  struct Features {
    torch::Tensor rows;  ///< [samples, embed]
    torch::Tensor labels;
  };

  E2nMethod(const E2nRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}
  Status prepare();
  Status prepare_model();
  Status prepare_pictures();
  Result<std::filesystem::path> bundle_path(const std::string& name) const;
  Result<std::vector<float>> read_planes(const data::Manifest& manifest,
                                         const PictureStore* pictures, std::int64_t place) const;
  torch::Tensor pixels_of(const std::vector<Item>& items) const;
  Result<Features> val_features();
  /// Temperature and threshold of the unknown rule, and the range of the distances from neutral,
  /// on the validation part.
  Status calibrate(engine::BundleInfo& info);
  Status calibrate_neutral(engine::BundleInfo& info, const Features& features);
  Status fill_tensors(engine::BundleContent& content, NamedTorchTensors& owned);
  bool learned() const { return recipe_.training.targets == "learned"; }
  /// Whether the transformation network is trained at all.
  bool uses_neutral() const {
    return recipe_.training.lambda_t > 0 || recipe_.training.lambda_c > 0;
  }

  E2nRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  engine::Architecture architecture_;
  image::PreprocessSpec preprocess_;
  std::vector<float> black_;  ///< a black pixel, per channel
  E2nTeacher teacher_;
  E2nTower tower_;
  nn::NeutralNetwork network_{nullptr};
  torch::Tensor targets_;      ///< [classes, embed], the texts or learned prototypes
  std::int64_t neutral_ = -1;  ///< place of the neutral class
  std::shared_ptr<const PictureStore> train_pictures_, val_pictures_;  ///< grey only
  std::unique_ptr<data::Loader<Item>> loader_;
};

}  // namespace mien::methods
