#pragma once

#include <memory>
#include <string>

#include "methods/compact/image_options.h"

namespace mien::methods {

/// The parts of the compact model. Names are relative to the data folder unless they exist as
/// given.
struct CompactModelOptions {
  std::string image = {};    ///< bundle with a residual tower; empty: a random one of `tower`
  std::string text = {};     ///< folder of an earlier run, or a bundle, whose text tower starts;
                             ///< empty: random
  std::string words = {};    ///< folder with words.txt and words.safetensors
  std::string wordnet = {};  ///< folder with WordNet's data files
  int context = 40;
  int width = 128;
  int layers = 2;
  int heads = 4;

  void register_options(OptionSet& set);
};

/// First stage: words against their definitions in the dictionary.
struct GlossTraining {
  int epochs = 10;
  int batch = 384;
  int longest = 20;         ///< words of a gloss that are read
  double held_out = 0.01;   ///< share of the senses held out for tests
  double topics = 0.2;      ///< share of a batch about feelings
  double adjectives = 0.3;  ///< share of a batch that are adjectives
  double spelling = 0.1;    ///< probability that a word is replaced by its trigrams
  double synonyms = 0.3;    ///< share of pairs of two words instead of word and gloss

  void register_options(OptionSet& set);
};

/// Second stage: features of the frozen image tower against captions and class texts.
struct CompactTraining {
  int epochs = 12;
  int batch = 256;
  int views = 4;                ///< augmented copies of each picture whose features are kept
  double label_share = 0.5;     ///< of the loss against labels; the rest is against votes
  double smoothing = 0.05;      ///< of the target
  double caption_weight = 0.3;  ///< of the loss against captions
  double geometry_weight = 0;   ///< of the loss against sentences on the shape of the face
  double gloss_weight = 0.5;    ///< of the first stage's loss, so that words keep their meaning
  double image_lr_factor = 1;   ///< rate of the image tower's projection; 0: frozen
  double prototype_weight = 0;  ///< of class texts against the prototypes of the image bundle
  double text_lr_factor = 0.3;  ///< rate of the text tower
  double balance = 0.35;        ///< classes are drawn by count^(1 - balance)
  double accept = 0.95;         ///< share of the validation part that must not be unknown
  data::AugmentOptions augment = {};
  std::string name = "compact";
  std::string licence = {};

  void register_options(OptionSet& set);
};

/// data.*, tower.*, model.*, gloss.* and compact.* of a recipe.
struct CompactRecipe {
  DataOptions data = {};
  ResidualTowerOptions tower = {};
  CompactModelOptions model = {};
  GlossTraining gloss = {};
  CompactTraining training = {};

  void register_options(OptionSet& set);
  /// Errors: kInvalidArgument naming the option.
  Status validate() const { return model.image.empty() ? tower.validate() : Status(); }
};

std::unique_ptr<MethodRecipe> compact_recipe();

}  // namespace mien::methods
