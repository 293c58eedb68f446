#pragma once

#include <torch/types.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "methods/compact/face_shapes.h"
#include "methods/compact/gloss_pairs.h"
#include "methods/compact/options.h"
#include "methods/compact/votes.h"
#include "methods/kit/picture_store.h"
#include "mien/engine/bundle.h"
#include "mien/methods/method.h"
#include "mien/text/labels.h"
#include "nn/residual.h"
#include "nn/words.h"
#include "text/words.h"

namespace mien::methods {

/// Training of the compact model.
class CompactMethod : public Method {
 public:
  Status prepare();

  int stages() const override { return 2; }
  int epochs(int stage) const override {
    return stage == 0 ? recipe_.gloss.epochs : recipe_.training.epochs;
  }
  std::vector<ParameterGroup> begin_stage(int stage) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int stage) const override;
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int stage, int epoch) override;
  std::string selects_by() const override { return "score"; }
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 protected:
  CompactMethod(const CompactRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}

 private:
  Status prepare_words();
  Status prepare_image();
  Status text_from_bundle(const std::filesystem::path& path);
  Status prepare_classes();
  Status prepare_features();
  Status prepare_val_features();
  Result<torch::Tensor> features(const PictureStore& pictures, const data::View& view, int number);
  /// Temperature and threshold of the unknown rule, fitted on the validation part.
  Status calibrate(engine::BundleInfo& info);
  /// The class that more than half of the annotators of a validation sample saw; -1: none.
  int majority_of(std::size_t place) const;

  /// Shape: texts -> unit rows [texts, embed].
  torch::Tensor encode(const std::vector<std::string>& texts);
  torch::Tensor encode_ids(const torch::Tensor& ids);
  torch::Tensor project(const torch::Tensor& features);
  torch::Tensor gloss_loss(Rng& rng, std::int64_t count);
  torch::Tensor class_loss(const torch::Tensor& images, const torch::Tensor& labels,
                           const torch::Tensor& votes, Rng& rng);
  /// Sentences about some pictures of a batch, and the values they were made from.
  struct Sentences {
    std::vector<std::string> texts;
    std::vector<std::int64_t> places;  ///< in the batch
    std::vector<torch::Tensor> rows;
  };
  torch::Tensor sentence_loss(const torch::Tensor& images, const Sentences& said);
  torch::Tensor caption_loss(const torch::Tensor& images, const std::vector<std::int64_t>& places,
                             Rng& rng);
  torch::Tensor shape_loss(const torch::Tensor& images, const std::vector<std::int64_t>& places,
                           Rng& rng);
  /// One text of every class, drawn among descriptions, synonyms and captions.
  std::vector<std::string> draw_class_texts(Rng& rng) const;
  /// Shape: features [samples, F] of the first view, or of a random one.
  torch::Tensor features_of(const torch::Tensor& views, const std::vector<std::int64_t>& rows,
                            Rng* rng) const;
  Result<StepOutput> joint_step(Rng& rng);
  Result<NamedValues> validate_glosses();
  Result<NamedValues> validate_classes();
  /// Shape: [classes, embed], unit means over the descriptions.
  torch::Tensor class_rows(const std::vector<text::Label>& labels);

  CompactRecipe recipe_;
  MethodContext context_;
  engine::Architecture architecture_;
  image::PreprocessSpec preprocess_;
  TrainingData data_;
  std::shared_ptr<const text::WordTokenizer> tokenizer_;
  std::unique_ptr<GlossPairs> glosses_;
  nn::ResidualTower tower_{nullptr};
  nn::WordTower words_{nullptr};
  torch::Tensor prototypes_;             ///< [classes, embed] of the image bundle, or undefined
  torch::Tensor proj_;                   ///< of the image tower, trains
  torch::Tensor tau_;                    ///< log of the factor of image against text; scalar
  torch::Tensor text_tau_;               ///< the same of text against text
  std::vector<text::Label> labels_;      ///< classes by their descriptions
  std::vector<text::Label> own_labels_;  ///< classes by short prompts; what the bundle answers with
  std::vector<std::vector<std::string>> class_texts_;  ///< per vote class
  std::vector<std::int64_t> vote_class_;               ///< by class of the data
  KnownColumns known_;
  FaceShapes shapes_;  ///< of the training samples, when their sentences train
  std::vector<VoteShares> train_votes_, val_votes_;
  torch::Tensor train_views_;    ///< [views, samples, F]
  torch::Tensor val_features_;   ///< [samples, F]
  torch::Tensor label_targets_;  ///< [samples, classes]
  torch::Tensor vote_targets_;   ///< [samples, kVoteClasses]
  data::View order_;             ///< of the epoch: rows of train_views_
  std::int64_t at_ = 0;
  std::uint64_t epoch_seed_ = 0;
  int stage_ = 0;
};

}  // namespace mien::methods
