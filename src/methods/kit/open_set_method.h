#pragma once

#include <torch/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "methods/kit/clip_items.h"
#include "methods/kit/open_set_data.h"
#include "methods/kit/tower_export.h"
#include "methods/kit/towers.h"
#include "mien/data/loader.h"
#include "mien/engine/bundle.h"

namespace mien::methods {

/// Both scores of clips; one of them may be undefined.
struct OpenSetScores {
  torch::Tensor known;     ///< p [N, K]: scaled cosines with the texts
  torch::Tensor negative;  ///< z [N, K]: distances from the reciprocal points
  /// The mean of both, or the one there is.
  torch::Tensor joint() const;
};

/// What open-set methods share.
struct OpenSetSettings {
  std::string init;
  std::vector<std::string> known;
  std::string split;
  int frames = 1;
  int batch = 64;
  std::string select;
};

/// HESP and ARPL: known classes train around frozen towers, what is not known is told apart by the
/// largest score.
class OpenSetMethod : public Method {
 public:
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override;

  const Towers& towers() const { return *towers_; }

 protected:
  OpenSetMethod(DataOptions data, MethodContext context)
      : data_options_(std::move(data)), context_(std::move(context)) {}

  /// Loads data and towers, and sets reader_.
  Status load(const OpenSetSettings& settings);
  /// The published names of the known classes.
  std::vector<std::string> published_names() const;
  /// Starts the loader of training samples; make_item must be ready.
  void start_loader();

  /// One sample of either part. The indices of its frames depend on `phase`.
  virtual Result<ClipItem> make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                     std::int64_t place, Rng& rng) const = 0;
  /// Called before a pass of score_items.
  virtual void begin_scores() {}
  /// Scores of some items; without a graph.
  virtual OpenSetScores score_items(const std::vector<ClipItem>& items) = 0;

  /// The items of the next step; fills in out.ids and out.samples.
  Result<std::vector<ClipItem>> next_batch(StepOutput& out);
  /// Of all samples of a view, in its order; no graph. `read`: their places, may be null.
  Result<OpenSetScores> score(const data::Manifest& manifest, const data::View& view,
                              std::vector<std::int64_t>* read);
  Result<OpenSetAnswers> answers();

  /// The part of a bundle's description that open-set methods share.
  engine::BundleInfo bundle_info(std::string_view method, const std::string& name,
                                 const std::string& licence) const;
  /// Temperature from the known samples of the validation part, and a note on the calibration.
  Status fit_temperature(double accept, engine::BundleInfo& info);

  DataOptions data_options_;
  MethodContext context_;
  OpenSetSettings settings_;
  OpenSetData data_;
  std::optional<Towers> towers_;
  ClipReader reader_;
  image::PreprocessSpec preprocess_;  ///< as a bundle has it
  std::unique_ptr<data::Loader<ClipItem>> loader_;
};

/// The value that `accept` of the scores reach: the element floor(accept n) in falling order.
double released_threshold(const torch::Tensor& scores, double accept);

}  // namespace mien::methods
