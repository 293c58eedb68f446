#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "methods/kit/tower_method.h"

namespace mien::methods {

/// A method whose samples have one class each and get a score per class.
class ClassifierMethod : public TowerMethod {
 public:
  /// {"war", ..}, {"uar", ..}.
  Result<NamedValues> validate(int stage, int epoch) override;
  /// Shape: -> [validation samples, classes], scaled.
  Result<torch::Tensor> validation_logits();

 protected:
  using TowerMethod::TowerMethod;

  /// Called before a pass of score_items, to compute what all samples share.
  virtual Status begin_scores() { return {}; }
  /// Shape: -> [items, classes], scaled.
  virtual torch::Tensor score_items(const Items& items) = 0;
  /// Number of samples per call of score_items.
  virtual int score_batch() const { return 32; }

  /// Fits temperature and threshold on the validation part, if there is one.
  Status calibrate(engine::BundleInfo& info);
  /// Adds the share of a training batch that is right. Shape: logits [items, classes].
  static void add_train_war(const torch::Tensor& logits, const torch::Tensor& labels,
                            StepOutput& out);

 private:
  struct Scored {
    torch::Tensor logits;
    std::vector<std::int64_t> truth;
  };
  Result<Scored> score_validation();
};

}  // namespace mien::methods
