#include "mien/methods/training_data.h"

#include <fmt/format.h>

#include "mien/data/captions.h"
#include "mien/data/registry.h"
#include "mien/image/decode.h"

namespace mien::methods {
namespace {

constexpr std::string_view kVotes = "votes";

// NAME:FOLDER, when NAME is a data set.
const data::DatasetInfo* dataset_of(const std::string& text) {
  const auto colon = text.find(':');
  return colon == std::string::npos ? nullptr : data::find_dataset(text.substr(0, colon));
}

Result<data::Manifest> read_dataset(const DataOptions& options, const std::string& text,
                                    const std::filesystem::path& folder, const std::string& split) {
  data::DatasetOptions reading;
  reading.split = split;
  reading.fold = options.set_fold;
  reading.variant = options.variant;
  MIEN_ASSIGN_OR_RETURN(reading.order, data::parse_label_order(options.label_order));
  const auto colon = text.find(':');
  return data::load_dataset(text.substr(0, colon), folder / text.substr(colon + 1), reading);
}

data::ManifestOptions manifest_options(const DataOptions& options,
                                       const std::filesystem::path& folder) {
  using Unit = data::ManifestOptions::Unit;
  data::ManifestOptions out;
  out.classes = options.classes;
  out.targets = options.targets;
  out.unit = options.unit == "frame"      ? Unit::kFrame
             : options.unit == "sequence" ? Unit::kSequence
                                          : Unit::kAuto;
  if (!options.captions.empty() && options.captions != kVotes) {
    out.captions = folder / options.captions;
  }
  out.keep_unlabelled = !options.targets.empty();
  return out;
}

Status split_by_subject(const DataOptions& options, TrainingData& out) {
  if (options.fold >= options.folds) {
    return invalid_argument(fmt::format("data.fold: {} of {} folds (expected 0 to {})",
                                        options.fold, options.folds, options.folds - 1));
  }
  // The folds do not depend on the seed of the run: every seed has the same test subjects.
  MIEN_ASSIGN_OR_RETURN(const auto folds,
                        data::subject_folds(*out.train, out.train_view, options.folds, 1));
  data::TwoViews views = data::hold_out(folds, static_cast<std::size_t>(options.fold));
  out.train_view = std::move(views.train);
  out.val_view = std::move(views.test);
  return {};
}

// A random part, the same for every seed of a run.
Status hold_out_share(const DataOptions& options, TrainingData& out) {
  if (options.folds > 0) {
    return invalid_argument("data.holdout: does not go with data.folds (expected one of them)");
  }
  Rng rng(1);
  const data::View all = data::shuffled(out.train_view, rng);
  const auto held = static_cast<std::ptrdiff_t>(options.holdout * static_cast<double>(all.size()));
  out.val = out.train;
  out.val_view.assign(all.begin(), all.begin() + held);
  out.train_view.assign(all.begin() + held, all.end());
  return {};
}

// The parts of a published data set; a validation part of another one is named as well.
Status load_datasets(const DataOptions& options, const std::filesystem::path& folder,
                     TrainingData& out) {
  MIEN_ASSIGN_OR_RETURN(data::Manifest first,
                        read_dataset(options, options.train, folder, options.train_split));
  out.train = std::make_shared<const data::Manifest>(std::move(first));
  out.train_view = data::all_of(*out.train);
  out.val = out.train;
  if (options.val_split.empty() || options.folds > 0) return {};
  MIEN_ASSIGN_OR_RETURN(data::Manifest second,
                        read_dataset(options, options.val.empty() ? options.train : options.val,
                                     folder, options.val_split));
  if (second.classes != out.train->classes) {
    return invalid_argument(
        fmt::format("{}: has other classes than {}", second.name, out.train->name));
  }
  out.val = std::make_shared<const data::Manifest>(std::move(second));
  out.val_view = data::all_of(*out.val);
  return {};
}

Status load_manifests(const DataOptions& options, const std::filesystem::path& folder,
                      TrainingData& out) {
  data::ManifestOptions reading = manifest_options(options, folder);
  MIEN_ASSIGN_OR_RETURN(data::Manifest first, data::load_manifest(folder / options.train, reading));
  out.train = std::make_shared<const data::Manifest>(std::move(first));
  out.val = out.train;
  const data::View all = data::all_of(*out.train);
  out.train_view =
      options.train_split.empty() ? all : data::of_split(*out.train, all, options.train_split);
  if (options.folds > 0) return {};
  if (!options.val.empty()) {
    reading.classes = out.train->classes;
    MIEN_ASSIGN_OR_RETURN(data::Manifest second,
                          data::load_manifest(folder / options.val, reading));
    out.val = std::make_shared<const data::Manifest>(std::move(second));
  }
  if (!options.val_split.empty()) {
    out.val_view = data::of_split(*out.val, data::all_of(*out.val), options.val_split);
  }
  return {};
}

data::PlaneScale scale_of(const image::PreprocessSpec& spec) {
  data::PlaneScale out;
  for (const image::PreprocessStep& step : spec.steps) {
    if (step.kind == image::PreprocessStep::Kind::kNormalize) out = {step.mean, step.std};
  }
  return out;
}

}  // namespace

void DataOptions::register_options(OptionSet& set) {
  set.add(
      "train", train,
      "Manifest of the training samples below --data, or NAME:FOLDER of a data set (dfew:DFEW)");
  set.add("val", val, "Manifest of the validation samples; empty: the same");
  set.add("train_split", train_split, "Split that trains; empty: all rows");
  set.add("val_split", val_split, "Split that validates; empty: none");
  set.add("unit", unit, "What a sample is", {"auto", "frame", "sequence"});
  set.add("classes", classes, "Classes in their order; empty: those that occur, sorted");
  set.add("captions", captions,
          "CSV of captions below --data, or `votes`: sentences made from the votes of annotators");
  set.add("variant", variant, "Of a data set, for example single or compound");
  set.add("label_order", label_order, "Numbers of the classes of a data set",
          {"native", "emoclip", "peers"});
  set.add("set_fold", set_fold, "Published fold of a data set", {1, 100});
  set.add("targets", targets, "Columns to predict (regression)");
  set.add("folds", folds, "Parts by subject, one of which validates; 0: use the splits", {0, 1000});
  set.add("fold", fold, "Which part validates, from 0", {0, 1000});
  set.add("holdout", holdout,
          "Share of the training samples that validates instead of val_split; 0: none", {0, 0.9});
  set.add("leave_out", leave_out, "Class that does not train and alone validates");
  set.add("left_out_validates", left_out_validates,
          "As published: the epoch is chosen on the class left out; false: on the others");
  set.add("limit", limit, "Train with the first samples only; 0: all", {0, 1e9});
  set.add("threads", threads, "Threads that read samples", {1, 256});
  set.add("max_bad_share", max_bad_share, "Share of the samples that may be unreadable", {0, 1});
}

Result<TrainingData> load_training_data(const DataOptions& options,
                                        const std::filesystem::path& folder, std::uint64_t seed) {
  if (options.train.empty()) {
    return invalid_argument("data.train: is empty (expected a manifest below --data)");
  }
  TrainingData out;
  if (dataset_of(options.train) != nullptr) {
    MIEN_RETURN_IF_ERROR(load_datasets(options, folder, out));
  } else {
    MIEN_RETURN_IF_ERROR(load_manifests(options, folder, out));
  }
  if (options.captions == kVotes) {
    data::Manifest with_captions = *out.train;
    MIEN_RETURN_IF_ERROR(data::add_vote_captions(with_captions, seed).status());
    out.train = std::make_shared<const data::Manifest>(std::move(with_captions));
  }
  if (options.holdout > 0) MIEN_RETURN_IF_ERROR(hold_out_share(options, out));
  if (options.folds > 0) MIEN_RETURN_IF_ERROR(split_by_subject(options, out));
  if (!options.leave_out.empty()) {
    MIEN_CHECK(out.val->classes == out.train->classes);
    // The samples that test come from the validation part, which may be another manifest.
    MIEN_ASSIGN_OR_RETURN(
        data::TwoViews train,
        data::leave_class_out(*out.train, out.train_view, out.train_view, options.leave_out));
    MIEN_ASSIGN_OR_RETURN(
        data::TwoViews test,
        data::leave_class_out(*out.val, out.val_view, out.val_view, options.leave_out));
    out.train_view = std::move(train.train);
    out.val_view = std::move(options.left_out_validates ? test.test : test.train);
  }
  if (options.limit > 0 && out.train_view.size() > static_cast<std::size_t>(options.limit)) {
    out.train_view.resize(static_cast<std::size_t>(options.limit));
  }
  if (out.train_view.empty()) {
    return invalid_argument(fmt::format("{}: has no sample to train with (split '{}')",
                                        out.train->name, options.train_split));
  }
  return out;
}

Result<video::FrameIndices> ClipReader::choose(const data::Sample& sample,
                                               video::SamplingPhase phase, Rng& rng) const {
  return video::sample(sampling, static_cast<std::int64_t>(sample.frames.size()), phase, &rng);
}

Status ClipReader::read(const data::Manifest& manifest, const std::string& name,
                        std::span<float> out) const {
  const auto bytes = manifest.store->read(name);
  if (!bytes.ok()) return bytes.status();
  const auto picture = image::decode(*bytes);
  if (!picture.ok()) return picture.status().with_prefix(name);
  return image::preprocess(*picture, preprocess, out).with_prefix(name);
}

Result<std::vector<float>> ClipReader::clip(const data::Manifest& manifest,
                                            const data::Sample& sample, video::SamplingPhase phase,
                                            Rng& rng) const {
  MIEN_ASSIGN_OR_RETURN(const auto indices, choose(sample, phase, rng));
  const int side = preprocess.output_size();
  const std::size_t each = 3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  std::vector<float> out(indices.size() * each);
  const bool training = phase == video::SamplingPhase::kTrain;
  const bool changes = training && augment.any(), views = training && view.any();
  const data::Augmentation drawn =
      changes ? data::draw_augmentation(augment, rng) : data::Augmentation{};
  const data::RandomView seen = views ? data::draw_view(view, rng) : data::RandomView{};
  const data::PlaneScale scale = scale_of(preprocess);
  for (std::size_t f = 0; f < indices.size(); ++f) {
    const std::span<float> planes = std::span(out).subspan(f * each, each);
    const auto index = static_cast<std::size_t>(indices[f]);
    MIEN_RETURN_IF_ERROR(read(manifest, sample.frames[index], planes));
    if (views) data::jitter(seen, scale, planes);
    if (changes) data::augment(drawn, side, planes, rng);
    if (views) data::crop(seen, side, planes);
  }
  return out;
}

}  // namespace mien::methods
