#include "methods/kit/training_data.h"

#include <fmt/format.h>

#include <optional>
#include <set>

#include "data/captions.h"
#include "data/source.h"
#include "data/store.h"
#include "mien/image/decode.h"

namespace mien::methods {
namespace {

constexpr std::string_view kVotesColumn = "votes";

Result<data::SourceOptions> source_options(const DataOptions& options,
                                           const std::filesystem::path& folder) {
  data::SourceOptions out;
  out.manifest.classes = options.classes;
  out.manifest.targets = options.targets;
  out.manifest.keep_unlabelled = options.unlabelled;
  MIEN_ASSIGN_OR_RETURN(out.manifest.unit, data::parse_unit(options.unit));
  if (!options.captions.empty() && options.captions != kVotesColumn) {
    out.manifest.captions = folder / options.captions;
  }
  out.dataset.fold = options.set_fold;
  out.dataset.variant = options.variant;
  MIEN_ASSIGN_OR_RETURN(out.dataset.order, data::parse_label_order(options.label_order));
  return out;
}

struct Part {
  std::shared_ptr<const data::Manifest> manifest;
  data::View view;
};

// A manifest is read whole, so that its splits have the same classes; of a published data set only
// the part is read, by that part's own lists.
Result<Part> load_part(const std::string& source, const std::string& split,
                       data::SourceOptions reading, const std::filesystem::path& folder) {
  const bool dataset = data::names_dataset(source, folder);
  if (dataset) reading.dataset.split = split;
  MIEN_ASSIGN_OR_RETURN(data::Manifest manifest, data::load_source(source, reading, folder));
  Part out{std::make_shared<const data::Manifest>(std::move(manifest)), {}};
  out.view = data::all_of(*out.manifest);
  if (!dataset && !split.empty()) out.view = data::of_split(*out.manifest, out.view, split);
  return out;
}

// The splits that occur, quoted.
std::string splits_of(const data::Manifest& manifest) {
  std::set<std::string> names;
  for (const data::Sample& sample : manifest.samples) names.insert("'" + sample.split + "'");
  return fmt::format("{}", fmt::join(names, ", "));
}

// Takes every Nth sample, so that a manifest sorted by class keeps all classes.
void thin_out(data::View& view, std::size_t most) {
  if (view.size() <= most) return;
  data::View kept;
  for (std::size_t i = 0; i < most; ++i) kept.push_back(view[i * view.size() / most]);
  view = std::move(kept);
}

// A random part, the same for every seed of a run.
Status hold_out_share(const DataOptions& options, TrainingData& out) {
  if (options.folds > 0) {
    return invalid_argument(
        "data.holdout: cannot be combined with data.folds (expected one of them)");
  }
  Rng rng(1);
  const data::View all = data::shuffled(out.train_view, rng);
  const auto held = static_cast<std::ptrdiff_t>(options.holdout * static_cast<double>(all.size()));
  out.val = out.train;
  out.val_view.assign(all.begin(), all.begin() + held);
  out.train_view.assign(all.begin() + held, all.end());
  return {};
}

Status load_parts(const DataOptions& options, const std::filesystem::path& folder,
                  TrainingData& out) {
  MIEN_ASSIGN_OR_RETURN(data::SourceOptions reading, source_options(options, folder));
  MIEN_ASSIGN_OR_RETURN(Part train, load_part(options.train, options.train_split, reading, folder));
  out.train = out.val = train.manifest;
  out.train_view = std::move(train.view);
  if (options.folds > 0) {
    MIEN_ASSIGN_OR_RETURN(data::TwoViews views, data::subject_part(*out.train, out.train_view,
                                                                   options.folds, options.fold));
    out.train_view = std::move(views.train);
    out.val_view = std::move(views.test);
    return {};
  }
  if (options.val_split.empty()) return {};
  if (options.val.empty() && !data::names_dataset(options.train, folder)) {
    out.val_view = data::of_split(*out.train, data::all_of(*out.train), options.val_split);
    return {};
  }
  reading.manifest.classes = out.train->classes;
  MIEN_ASSIGN_OR_RETURN(Part val, load_part(options.val.empty() ? options.train : options.val,
                                            options.val_split, reading, folder));
  if (val.manifest->classes != out.train->classes) {
    return invalid_argument(
        fmt::format("{}: different classes from {}", val.manifest->name, out.train->name));
  }
  out.val = std::move(val.manifest);
  out.val_view = std::move(val.view);
  return {};
}

}  // namespace

void DataOptions::register_options(OptionSet& set) {
  set.add(
      "train", train,
      "Manifest of the training samples below --data, or NAME:FOLDER of a data set (dfew:DFEW)");
  set.add("val", val, "Manifest of the validation samples; empty: the same");
  set.add("train_split", train_split, "Split to train on; empty: all rows");
  set.add("val_split", val_split, "Split to validate on; empty: none");
  set.add("unit", unit, "Unit of a sample", {"auto", "frame", "sequence"});
  set.add("classes", classes, "Classes in their order; empty: those that occur, sorted");
  set.add("captions", captions,
          "CSV of captions below --data, or `votes`: sentences made from the votes of annotators");
  set.add("variant", variant, "Variant of a data set, for example single or compound");
  set.add("label_order", label_order, "Order of the classes of a data set",
          {"native", "emoclip", "peers"});
  set.add("set_fold", set_fold, "Published fold of a data set", {1, 100});
  set.add("targets", targets, "Columns to predict (regression)");
  set.add("unlabelled", unlabelled, "Keep samples without a label, for methods that need none");
  set.add("folds", folds, "Number of parts by subject, one of which validates; 0: use the splits",
          {0, 1000});
  set.add("fold", fold, "Part that validates, from 0", {0, 1000});
  set.add("holdout", holdout,
          "Share of the training samples to validate on instead of val_split; 0: none", {0, 0.9});
  set.add("leave_out", leave_out, "Class to leave out of training and validate on alone");
  set.add("left_out_validates", left_out_validates,
          "Choose the epoch on the left-out class, as published; false: on the others");
  set.add("limit", limit, "Number of samples to train on, from the first; 0: all", {0, 1e9});
  set.add("val_limit", val_limit, "Number of samples to validate on, spread evenly; 0: all",
          {0, 1e9});
  set.add("threads", threads, "Number of threads that read samples", {1, 256});
  set.add("max_bad_share", max_bad_share, "Maximum share of unreadable samples", {0, 1});
}

Result<TrainingData> load_training_data(const DataOptions& options,
                                        const std::filesystem::path& folder, std::uint64_t seed) {
  if (options.train.empty()) {
    return invalid_argument("data.train: is empty (expected a manifest below --data)");
  }
  TrainingData out;
  MIEN_RETURN_IF_ERROR(load_parts(options, folder, out));
  if (options.captions == kVotesColumn) {
    data::Manifest with_captions = *out.train;
    MIEN_RETURN_IF_ERROR(data::add_vote_captions(with_captions, seed).status());
    out.train = std::make_shared<const data::Manifest>(std::move(with_captions));
  }
  if (options.holdout > 0) MIEN_RETURN_IF_ERROR(hold_out_share(options, out));
  if (!options.leave_out.empty()) {
    MIEN_CHECK(out.val->classes == out.train->classes);
    // Test samples come from the validation part, which may be another manifest.
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
  if (options.val_limit > 0) thin_out(out.val_view, static_cast<std::size_t>(options.val_limit));
  if (out.train_view.empty()) {
    return invalid_argument(fmt::format(
        "{}: has no sample to train with in split '{}' (expected data.train_split to be "
        "one of {}; empty takes all rows)",
        out.train->name, options.train_split, splits_of(*out.train)));
  }
  return out;
}

data::PlaneScale scale_of(const image::PreprocessSpec& spec) {
  data::PlaneScale out;
  for (const image::PreprocessStep& step : spec.steps) {
    if (step.kind == image::PreprocessStep::Kind::kNormalize) out = {step.mean, step.std};
  }
  return out;
}

Result<video::FrameIndices> SequenceReader::choose(const data::Sample& sample,
                                                   video::SamplingPhase phase, Rng& rng) const {
  return video::sample(sampling, static_cast<std::int64_t>(sample.frames.size()), phase, &rng);
}

namespace {

Result<image::Image> read_picture(const data::Manifest& manifest, const std::string& name) {
  MIEN_ASSIGN_OR_RETURN(const auto bytes, manifest.store->read(name));
  auto picture = image::decode(bytes);
  if (!picture.ok()) return picture.status().with_prefix(name);
  return picture;
}

}  // namespace

Status SequenceReader::read(const data::Manifest& manifest, const std::string& name,
                            std::span<float> out) const {
  MIEN_ASSIGN_OR_RETURN(const image::Image picture, read_picture(manifest, name));
  return image::preprocess(picture, preprocess, out).with_prefix(name);
}

Result<std::vector<float>> SequenceReader::clip(const data::Manifest& manifest,
                                                const data::Sample& sample,
                                                video::SamplingPhase phase, Rng& rng) const {
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
  std::optional<data::PictureView> changed;  // drawn for the size of the first frame
  for (std::size_t f = 0; f < indices.size(); ++f) {
    const std::span<float> planes = std::span(out).subspan(f * each, each);
    const std::string& name = sample.frames[static_cast<std::size_t>(indices[f])];
    if (training && pictures.any()) {
      MIEN_ASSIGN_OR_RETURN(const image::Image whole, read_picture(manifest, name));
      if (!changed) changed = data::draw_picture_view(pictures, whole.width(), whole.height(), rng);
      MIEN_RETURN_IF_ERROR(
          image::preprocess(data::picture_view(*changed, whole, side), preprocess, planes)
              .with_prefix(name));
    } else {
      MIEN_RETURN_IF_ERROR(read(manifest, name, planes));
    }
    if (views) data::jitter(seen, scale, planes);
    if (changes) data::augment(drawn, side, planes, rng);
    if (views) data::crop(seen, side, planes);
  }
  return out;
}

}  // namespace mien::methods
