#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/augment.h"
#include "methods/kit/recipe.h"
#include "mien/engine/architecture.h"

namespace mien::methods {

/// Sizes of a residual tower on grey face crops.
struct ResidualTowerOptions {
  int image_size = 48;
  int embed = 256;
  int stem_width = 32;
  std::vector<int> widths = {48, 96, 192, 384};
  std::vector<int> blocks = {2, 2, 2, 2};

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
  engine::Architecture architecture() const;
};

/// How the image tower of the compact bundle learns by itself, before any text: against one learned
/// prototype per class label, and one per expression that annotators could vote for.
struct CompactImageTraining {
  std::string init = {};  ///< bundle of this method that the tower starts from
  /// Share of the trained weights in the bundle, the rest being those of `init`: a blend of both
  /// keeps more of the accuracy on other pictures. Source: "Robust fine-tuning of zero-shot models"
  /// (arXiv 2109.01903).
  double blend = 1;
  int epochs = 30;
  int batch = 128;
  int crop = 0;            ///< side of random crops in training; 0: the whole picture
  double vote_weight = 1;  ///< of the loss against the votes, beside 1 for the labels
  /// Of a linear read-out of the shape of the face (data::FaceGeometry) from the embedding, so that
  /// the embedding keeps information that no label needs. The read-out is not in the bundle.
  double geometry_weight = 0;
  /// Bundles that answer for every training picture (picture_teachers.h); their answers
  /// take `teacher_weight` of the targets, the labels and votes the rest.
  std::vector<std::string> teachers = {};
  double teacher_weight = 0.5;
  double smoothing = 0.1;  ///< of labels
  /// Share of the label's target that comes from the votes: the label of one annotator is noisy,
  /// but the frequency of labels among pictures with such votes is not (labels_by_votes.h).
  double voted_labels = 0;
  double mixup = 0.4;        ///< alpha of the Beta distribution; 0: none
  double mixup_share = 0.5;  ///< of the batches that are mixed
  double balance = 0.4;      ///< classes are drawn by count^(1 - balance)
  data::AugmentOptions augment = {};
  std::string name = {};     ///< of the bundle
  std::string licence = {};  ///< of the bundle

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

/// data.*, tower.* and image.* of a recipe.
struct CompactImageRecipe {
  DataOptions data = {};
  ResidualTowerOptions tower = {};
  CompactImageTraining training = {};

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const;
};

std::unique_ptr<MethodRecipe> compact_image_recipe();

/// Preprocessing of the compact family: grey, S x S, values about -2 to 2.
image::PreprocessSpec compact_preprocess(int side);

}  // namespace mien::methods
