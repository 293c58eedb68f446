#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/face/finder.h"

namespace mien::cli {

/// The --face mode of `eval` that inspects the data to choose between auto and whole.
inline constexpr const char* kFacesByData = "data";

struct FaceOptions {
  std::string mode = "auto";
  std::string region;    ///< x,y,w,h
  std::string detector;  ///< a bundle; empty: dlib's HOG filters
  face::FinderOptions finder;
};
void add_face_options(CLI::App& verb, FaceOptions& options);
/// Errors: kInvalidArgument for options that exclude each other; those of the --detector bundle.
Result<face::FinderOptions> finder_options(const FaceOptions& options);

/// Which frames of a clip are analysed.
struct PaceOptions {
  int every = 1;
  double max_fps = 0;
};
void add_pace_options(CLI::App& verb, PaceOptions& options);

struct ModelOptions {
  std::string bundle;
  std::string precision = "fp32";
  int views = 1;               ///< engine::BundleOptions
  bool many_pictures = false;  ///< engine::BundleOptions
  Limits limits;
};
void add_model_options(CLI::App& verb, ModelOptions& options);
/// --precision and --views: add_model_options without --bundle.
void add_engine_options(CLI::App& verb, ModelOptions& options);
/// A path that exists, or a shipped bundle by name; the folder $MIEN_MODELS is searched first.
/// Errors: kNotFound.
Result<std::filesystem::path> find_model(const std::string& name_or_path);
/// How a bundle is loaded.
engine::BundleOptions bundle_options(const ModelOptions& options);
/// The bundle of --bundle, or the shipped default. Errors: kNotFound; those of Bundle::load.
Result<std::shared_ptr<const engine::Bundle>> load_bundle(const ModelOptions& options);
/// Reports when the image tower runs in another type than --precision asks for.
void tell_precision(const Context& context, const ModelOptions& options,
                    const engine::Bundle& bundle);

/// Reports doubts about the words of labels that are not the bundle's own, such as words that the
/// tokenizer does not know. Errors: those of word_notes and Bundle::tokenizer.
Status tell_words(const Context& context, const engine::Bundle& bundle,
                  const text::LabelSet& labels);

/// "mean", "mean-cosine" or "max"; "auto" gives none: the bundle decides. Errors:
/// kInvalidArgument.
Result<std::optional<engine::Reduce>> parse_reduce(const std::string& text);
/// "unit-mean", "raw-mean". Errors: kInvalidArgument.
Result<engine::Compound> parse_compound(const std::string& text);

}  // namespace mien::cli
