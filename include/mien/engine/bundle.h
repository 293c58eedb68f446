#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/checkpoint/checkpoint.h"
#include "mien/core/json.h"
#include "mien/core/limits.h"
#include "mien/engine/architecture.h"
#include "mien/engine/encoders.h"
#include "mien/engine/reference.h"
#include "mien/engine/regressor.h"
#include "mien/engine/temporal.h"
#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"
#include "mien/text/labels.h"
#include "mien/video/sampling.h"

namespace mien::text {
class Tokenizer;
}

namespace mien::engine {

/// When an answer is "unknown": the value of the rule is below the threshold.
struct UnknownRule {
  /// The value that is compared with the threshold.
  enum class Kind {
    kMaxProbability,   ///< largest calibrated probability
    kMaxCosine,        ///< largest raw cosine
    kEnergy,           ///< log sum exp of the scaled cosines
    kMaxLogit,         ///< largest score before temperature and softmax (HESP's openness score)
    kMeanProbability,  ///< largest mean of softmax(scaled cosines) and softmax(distances from the
                       ///< reciprocal points), not calibrated (HESP's threshold)
  };
  Kind kind = Kind::kMaxProbability;
  std::optional<double> threshold;  ///< none: the bundle was not calibrated, and `auto` means off

  bool operator==(const UnknownRule&) const = default;
};
/// The name in bundle.json, for example "max_probability".
std::string_view to_string(UnknownRule::Kind kind);

/// How the descriptions of one label become one score.
enum class Reduce {
  kMeanEmbedding,  ///< mean of the unit text embeddings, renormalised (the usual prompt ensemble)
  kMeanCosine,     ///< mean of the cosines (CLIPER, Exp-CLIP)
  kMaxCosine,      ///< the best fitting description
};
/// "mean", "mean-cosine", "max"; find_reduce is the inverse.
std::string_view to_string(Reduce reduce);
std::optional<Reduce> find_reduce(std::string_view name);

/// A vocabulary entry and the distance of its vector from a learned one.
struct NearWord {
  std::string word;
  double distance = 0;

  bool operator==(const NearWord&) const = default;
};

/// A description that was learned instead of written: for each of its learned tokens the nearest
/// words, nearest first.
struct LearnedText {
  std::vector<std::vector<NearWord>> tokens;

  bool operator==(const LearnedText&) const = default;
};

/// One output of a regression. Values are not clamped to the range.
struct RegressionTarget {
  std::string name;
  std::optional<std::pair<double, double>> range = {};  ///< of the scale; none: not stated

  bool operator==(const RegressionTarget&) const = default;
};

/// Everything of bundle.json. See docs/reference/bundle.md.
struct BundleInfo {
  static constexpr int kFormatVersion = 2;  ///< 1 is written when there is no `reference`

  std::string name;
  std::string method = "clip";
  Architecture architecture;
  image::PreprocessSpec preprocess;
  face::CropSpec crop;
  video::SamplingSpec sampling;
  std::vector<text::Label> labels;  ///< what the bundle answers with when no labels are given
  /// One per text of `labels` (in order, parts after texts) when these were learned; otherwise
  /// empty. Learned texts only describe what the learned tokens are near to: the stored features
  /// count.
  std::vector<LearnedText> learned;
  Reduce reduce = Reduce::kMeanEmbedding;
  std::vector<RegressionTarget> targets = {};  ///< as many as architecture.regression says
  double logit_scale = 100.0;                  ///< factor of the cosines before the softmax
  double temperature = 1.0;                    ///< calibration: the logits are divided by it
  UnknownRule unknown;
  std::optional<ReferenceInfo> reference = {};  ///< if set, `auto` uses it, for any labels
  std::string licence;
  Json provenance = Json::object();  ///< free-form: training data, recipe hash, converted from
  std::map<std::string, std::string> files;  ///< sha256 of every other file

  /// What parse() reads.
  Json to_json() const;
  /// Messages start with `subject`. Errors: kCorrupt naming the key; kUnsupported for another
  /// format version.
  static Result<BundleInfo> parse(std::string_view json, std::string_view subject,
                                  const Limits& limits = {});
};

/// The precision to run in, as the user chooses it.
enum class PrecisionChoice { kAuto, kF32, kBf16, kInt8 };
/// Reads "auto", "fp32", "bf16" or "int8".
std::optional<PrecisionChoice> find_precision(std::string_view name);
/// "fp32", "bf16", "int8".
std::string_view to_string(kernels::Precision precision);

/// How a bundle is loaded.
struct BundleOptions {
  PrecisionChoice precision =
      PrecisionChoice::kF32;   ///< kAuto: int8 if the bundle is stored so (`mien export` measured
                               ///< that it is good enough); otherwise bf16 if the CPU multiplies
                               ///< it; otherwise fp32
  bool many_pictures = false;  ///< packing may take longer if pictures then run faster
  int views = 1;               ///< 1, 2 or 4 views of every picture, averaged (ImageEncoderOptions)
  Limits limits = {};
};

class BundleFolder;

/// A model in the bundle format: a folder, or an uncompressed tar of the same files. Nothing in it
/// is executed. Towers are packed on first use. Threads: immutable; safe from several threads.
/// Errors: functions that return a tower give kInternal when oneDNN fails.
class Bundle {
 public:
  /// Checks bundle.json, and name, type and shape of every tensor.
  /// Errors: kNotFound, kIo, kCorrupt, kUnsupported, kResourceLimit.
  static Result<std::shared_ptr<const Bundle>> load(const std::filesystem::path& path,
                                                    const BundleOptions& options = {});

  /// Content of bundle.json, the path given to load(), and all tensors.
  const BundleInfo& info() const { return info_; }
  const std::filesystem::path& path() const { return path_; }
  const checkpoint::Checkpoint& weights() const { return *weights_; }
  /// The precision of the towers. With kInt8, layers without an int8 form (convolutions, a temporal
  /// model, a tower over words) run in bf16 if the CPU multiplies it, otherwise in fp32.
  kernels::Precision precision() const { return precision_; }
  /// The precision of the image tower: never kInt8 for a tower of convolutions.
  kernels::Precision image_precision() const;
  /// False: the bundle only knows its own labels.
  bool has_text_tower() const { return info_.architecture.text.has_value(); }

  /// Errors: also kInvalidArgument and kUnsupported as ImageEncoder::load, for
  /// BundleOptions::views.
  Result<std::shared_ptr<const ImageEncoder>> image_encoder() const;
  /// Packed again after the last holder released it, so that it takes no memory while only pictures
  /// are read. Errors: also kUnsupported when the bundle has no text tower.
  Result<std::shared_ptr<const TextEncoder>> text_encoder() const;
  /// nullptr when the bundle has no temporal model: a clip is then the mean of its frames.
  Result<std::shared_ptr<const TemporalEncoder>> temporal_encoder() const;
  /// nullptr when the bundle has no regression head.
  Result<std::shared_ptr<const Regressor>> regressor() const;
  /// Errors: kNotFound without a tokenizer file; those of parse_bpe_merges and parse_words.
  Result<std::shared_ptr<const text::Tokenizer>> tokenizer() const;

  /// The content of the tokenizer file. Errors: kNotFound, kIo.
  Result<std::string> tokenizer_text() const;

  /// The text of CARD.md. Errors: kNotFound, kIo.
  Result<std::string> card() const;

  /// Stored unit embeddings of every text of info().labels (in order, parts after texts), or
  /// nullptr. Shape: [texts, embed].
  const TensorView* label_features() const { return weights_->find(kLabelFeatures); }

  /// nullptr when the bundle has none.
  const std::shared_ptr<const Reference>& reference() const { return reference_; }

  /// Compares every file with its sha256. Errors: kCorrupt naming the first that differs.
  Status verify_hashes() const;

  static constexpr const char* kLabelFeatures = "label_features";

 private:
  Bundle() = default;
  std::filesystem::path path_;
  BundleInfo info_;
  std::shared_ptr<const BundleFolder> files_;
  std::shared_ptr<const checkpoint::Checkpoint> weights_;
  std::shared_ptr<const Reference> reference_;
  kernels::Precision precision_ = kernels::Precision::kF32;
  bool many_pictures_ = false;
  int views_ = 1;
  Limits limits_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const ImageEncoder> image_;
  mutable std::mutex temporal_mutex_;  // its own: the towers are packed side by side
  mutable std::shared_ptr<const TemporalEncoder> temporal_;
  mutable std::shared_ptr<const Regressor> regressor_;
  mutable std::mutex text_mutex_;
  mutable std::weak_ptr<const TextEncoder> text_;
  mutable std::shared_ptr<const text::Tokenizer> tokenizer_;
};

/// The files of a bundle to be written.
struct BundleContent {
  BundleInfo info;  ///< `files` is filled by write_bundle
  checkpoint::NamedTensors tensors;
  std::string tokenizer;  ///< merges or word list; empty: none
  std::string card;       ///< CARD.md
};

/// Checks that a bundle may be written at `path`. With `overwrite`, a folder is replaced if it is
/// empty or holds a bundle and nothing else. Errors: kInvalidArgument, naming what else is in it;
/// kIo.
Status check_bundle_target(const std::filesystem::path& path, bool overwrite);
/// Writes a bundle folder under a temporary name and renames it. Errors: those of
/// check_bundle_target, kIo.
Status write_bundle(const std::filesystem::path& path, BundleContent content,
                    bool overwrite = false);

}  // namespace mien::engine
