#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/augment.h"
#include "data/picture_view.h"
#include "data/random_view.h"
#include "data/views.h"
#include "mien/core/options.h"
#include "mien/core/status.h"
#include "mien/data/manifest.h"
#include "mien/image/preprocess.h"
#include "mien/video/sampling.h"

namespace mien::methods {

/// Which samples train and which validate.
struct DataOptions {
  std::string train = {};  ///< manifest below the data folder, or NAME:FOLDER of a data set
  std::string val = {};    ///< another manifest; empty: the same
  std::string train_split = "train";
  std::string val_split = "val";
  std::string unit = "auto";
  std::vector<std::string> classes = {};
  std::string captions = {};            ///< a CSV, or "votes": sentences made from annotator votes
  std::string variant = {};             ///< of a data set
  std::string label_order = "emoclip";  ///< of a data set
  int set_fold = 1;                     ///< published fold of a data set, from 1
  std::vector<std::string> targets = {};
  bool unlabelled = false;  ///< samples without a label are kept; methods that need none use them
  int folds = 0;  ///< validate on one of this number of parts by subject instead of val_split
  int fold = 0;
  double holdout = 0;              ///< validate on this share of the training samples instead
  std::string leave_out = {};      ///< class to leave out of training and validate on alone
  bool left_out_validates = true;  ///< false: the classes that train validate
  int limit = 0;                   ///< number of samples to train on, from the first; 0: all
  int val_limit = 0;               ///< number of samples to validate on, spread evenly; 0: all
  int threads = 2;
  double max_bad_share = 0.01;

  void register_options(OptionSet& set);
};

/// Two manifests with the same classes, and the part of each that is used.
struct TrainingData {
  std::shared_ptr<const data::Manifest> train;
  std::shared_ptr<const data::Manifest> val;  ///< may be the same object
  data::View train_view;
  data::View val_view;  ///< empty: nothing to validate on
};

/// Reads what the options name, from below `folder`. `seed` decides the wording of captions that
/// are made from votes. Errors: those of load_manifest and of the
/// views; kInvalidArgument without a training manifest or when no sample is left to train.
Result<TrainingData> load_training_data(const DataOptions& options,
                                        const std::filesystem::path& folder, std::uint64_t seed);

/// How the last step of a preprocessing normalises; 0 and 1 without such a step.
data::PlaneScale scale_of(const image::PreprocessSpec& spec);

/// How frames of a sample become the input of a tower.
struct SequenceReader {
  image::PreprocessSpec preprocess;
  video::SamplingSpec sampling;
  data::AugmentOptions augment = {};
  data::RandomViewOptions view = {};       ///< colours before `augment`, crop after it
  data::PictureViewOptions pictures = {};  ///< of the 8-bit pictures, before all others

  /// The frames that the rule takes. Errors: those of video::sample.
  Result<video::FrameIndices> choose(const data::Sample& sample, video::SamplingPhase phase,
                                     Rng& rng) const;
  /// One picture. Shape: out [3, S, S]. Errors: those of reading, decoding and preprocessing,
  /// naming the file.
  Status read(const data::Manifest& manifest, const std::string& name, std::span<float> out) const;
  /// A clip; in training all frames are augmented alike. Shape: [frames, 3, S, S].
  Result<std::vector<float>> clip(const data::Manifest& manifest, const data::Sample& sample,
                                  video::SamplingPhase phase, Rng& rng) const;
};

}  // namespace mien::methods
