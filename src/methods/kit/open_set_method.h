#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "methods/kit/open_set_data.h"
#include "methods/kit/tower_method.h"

namespace mien::methods {

/// Options of methods that know some classes and recognise samples of other classes.
struct OpenSetOptions : CommonTraining {
  std::vector<std::string> known = {};  ///< classes that train; empty: all, or those of `split`
  std::string split = {};               ///< a published list and the number of a split: "afew:3"
  double margin_weight = 0.1;           ///< of the margin around the reciprocal points
  std::string lengths = "own";  ///< matched: all embeddings get the root of the logit scale (ours)

  /// The released code's epochs, batch and frames.
  OpenSetOptions() {
    epochs = 100;
    batch = 64;
    frames = 8;
  }

 protected:
  /// Registers the first options: init, known, split, epochs, batch, frames.
  void add_known(OptionSet& set);
  void add_lengths(OptionSet& set);
  /// Registers the last options: select, accept, name, licence.
  void add_selection(OptionSet& set);
};

/// The two scores of clips; one of them may be undefined.
struct OpenSetLogits {
  torch::Tensor known;     ///< p [N, K]: scaled cosines with the texts
  torch::Tensor negative;  ///< z [N, K]: distances from the reciprocal points
  /// The mean of both, or the one there is.
  torch::Tensor joint() const;
};

/// Trains known classes around frozen towers; the largest score decides whether a sample is
/// unknown.
class OpenSetMethod : public TowerMethod {
 public:
  Result<NamedValues> validate(int stage, int epoch) override;
  SequenceReader reader() const override { return reader_; }

 protected:
  OpenSetMethod(DataOptions data, const OpenSetOptions& options, MethodContext context)
      : TowerMethod(std::move(data), options, std::move(context)), open_set_(options) {}

  /// Loads data and towers, and sets reader_.
  Status load();
  /// The known classes by the names of the released list.
  std::vector<std::string> published_names() const;

  /// Called before a pass of score_items.
  virtual void begin_scores() {}
  /// Scores of some items; without a graph.
  virtual OpenSetLogits score_items(const Items& items) = 0;
  /// As released, the last and smaller batch counts.
  bool takes_rest() const override { return true; }

  /// Of all training samples, in their order; no graph.
  Result<OpenSetLogits> score_training();
  /// The part of a bundle's description that open-set methods share.
  engine::BundleInfo open_set_info(std::string_view method) const;
  /// Temperature from the known samples of the validation part, and a note on the calibration.
  Status fit_temperature(engine::BundleInfo& info);
  /// A card with the facts of all such bundles; `known`: text after the names of the known classes.
  Card card(const std::string& about, const std::string& samples, const std::string& known) const;

  SequenceReader reader_;

 private:
  /// `read`: receives the indices of the samples, may be null.
  Result<OpenSetLogits> score(const data::Manifest& manifest, const data::View& view,
                              std::vector<std::int64_t>* read);
  Result<SplitAnswers> answers();

  OpenSetOptions open_set_;
  data::View open_view_;  ///< validation samples of no known class
};

/// The value that `accept` of the scores reach: the element floor(accept n) in falling order.
double released_threshold(const torch::Tensor& scores, double accept);

}  // namespace mien::methods
