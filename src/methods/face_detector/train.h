#pragma once

#include <torch/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/loader.h"
#include "methods/face_detector/model.h"
#include "methods/face_detector/options.h"
#include "methods/face_detector/recall.h"
#include "methods/face_detector/scene.h"
#include "mien/methods/registry.h"

namespace mien::methods {

/// A picture with its targets, ready for the network.
struct TaughtScene {
  std::vector<std::uint8_t> pixels;  ///< [side, side, 3]
  std::vector<float> targets;        ///< [places, kTargetWidth]
};

/// A small detector of faces as the trainer drives it: pictures are composed while it trains, and a
/// larger detector answers for every place of each. Threads: as SampleMethod.
class FaceDetectorMethod : public Method {
 public:
  FaceDetectorMethod(const FaceDetectorRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}
  Status prepare();

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override { return network_->published(); }
  std::int64_t steps_per_epoch(int) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override {
    return recipe_.training.select == "last" ? "" : recipe_.training.select;
  }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

  const SceneSources& sources() const { return sources_; }
  /// The n-th picture of an epoch whose generator is `rng`.
  Result<TaughtScene> make(Rng& rng) const;

 private:
  Status load_real_pictures();
  /// Running statistics of batch norm as the present weights have them: those that training left
  /// belong to other weights when the present ones are averages.
  Status measure_statistics();
  /// Recall on composed pictures, and the threshold there; nothing without a picture.
  Result<RecallMeter> measure_composed();
  Result<RecallMeter> measure_pictures();
  /// Shape: uint8 [N, H, W, 3] -> the network's answers.
  torch::Tensor answers(const torch::Tensor& pixels);

  FaceDetectorRecipe recipe_;
  MethodContext context_;
  std::shared_ptr<const engine::DetectorBundle> teacher_;
  SceneSources sources_;
  std::vector<StoredPicture> real_;  ///< that only validate
  PyramidNet network_{nullptr};
  torch::Tensor grid_;
  double threshold_ = 0.5;  ///< of the last validation
  /// Last, so that its threads end before anything they read.
  std::unique_ptr<data::Loader<TaughtScene>> loader_;
};

/// The loss of answers against targets, per unit of score that the teacher gives out. Shape:
/// answers [N, places, kPlaceAnswers], targets [N, places, kTargetWidth], grid [places, 3].
/// `parts`: gets "score_loss", "box_loss" and "point_loss".
torch::Tensor detection_loss(const torch::Tensor& answers, const torch::Tensor& targets,
                             const torch::Tensor& grid, const FaceDetectorTraining& weights,
                             NamedValues& parts);

}  // namespace mien::methods
