// Image tower of the compact bundle: options and training.
#include "methods/compact/image_options.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "methods/compact/face_shapes.h"
#include "methods/compact/labels_by_votes.h"
#include "methods/compact/picture_teachers.h"
#include "methods/compact/votes.h"
#include "methods/kit/below_data.h"
#include "methods/kit/labelled.h"
#include "methods/kit/picture_store.h"
#include "mien/data/captions.h"
#include "mien/data/loader.h"
#include "mien/engine/bundle.h"
#include "mien/loss/unit_rows.h"
#include "mien/metrics/confusion.h"
#include "mien/nn/load.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kCompactImageValidationBatch = 128;
constexpr std::size_t kVotes = kVoteClasses;
constexpr std::string_view kCompactImageCard = R"(# {name}

An image tower with one learned prototype per label, trained by `mien train` (method compact-image).
It has no text tower, so it knows only its own labels: {labels}.

- Training data: {data}, {samples} samples. The weights inherit the terms of this data.
- Not calibrated: probabilities rank the labels, and there is no threshold for "unknown".

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

class CompactImageMethod final : public Method {
 public:
  static Result<std::unique_ptr<Method>> make(const CompactImageRecipe& recipe,
                                              const MethodContext& context) {
    MIEN_RETURN_IF_ERROR(recipe.tower.validate());
    std::unique_ptr<CompactImageMethod> out(new CompactImageMethod(recipe, context));
    MIEN_RETURN_IF_ERROR(out->prepare());
    return std::unique_ptr<Method>(std::move(out));
  }

  int epochs(int) const override { return recipe_.training.epochs; }
  std::vector<ParameterGroup> begin_stage(int) override;
  NamedTorchTensors state() override;
  std::int64_t steps_per_epoch(int) const override {
    return static_cast<std::int64_t>(data_.train_view.size()) /
           (std::int64_t{recipe_.training.batch} * context_.processes.world);
  }
  Status begin_epoch(int stage, int epoch, std::int64_t first_step) override;
  Result<StepOutput> step() override;
  Result<NamedValues> validate(int, int) override;
  Status export_bundle(const std::filesystem::path& path, bool overwrite) override;

 private:
  struct Item {
    std::vector<float> plane;
    std::int64_t place = 0;
  };
  struct Batch {
    torch::Tensor pixels, labels, votes;
    torch::Tensor shapes, has_shape;  ///< undefined unless they train
  };

  CompactImageMethod(const CompactImageRecipe& recipe, const MethodContext& context)
      : recipe_(recipe), context_(context) {}
  Status prepare();
  Status start_from_bundle();
  Status ask_teachers();
  Result<Item> make_item(std::int64_t place, Rng& rng) const;
  Status make_targets();
  Result<Batch> next_batch(std::vector<std::string>& ids);
  torch::Tensor logits(const torch::Tensor& embeddings, const torch::Tensor& prototypes) const {
    return scale_.exp() * at::matmul(loss::unit_rows(embeddings), loss::unit_rows(prototypes).t());
  }

  CompactImageRecipe recipe_;
  MethodContext context_;
  TrainingData data_;
  nn::ResidualTower tower_{nullptr};
  std::shared_ptr<const engine::Bundle> start_;  ///< when its weights are blended in
  torch::Tensor label_prototypes_, vote_prototypes_, scale_;
  std::vector<std::array<float, kVotes>> train_votes_, val_votes_;
  torch::Tensor
      label_targets_;      ///< of the training samples, by place; labels only where they train
  TeacherAnswers taught_;  ///< of the training samples, when there are teachers
  FaceShapes shapes_;      ///< of the training samples
  torch::Tensor shape_head_, shape_bias_;  ///< not in the bundle
  KnownColumns known_;
  std::vector<std::int64_t> vote_class_;  ///< place of a class among the votes, or -1
  std::shared_ptr<const PictureStore> train_pictures_, val_pictures_;
  std::unique_ptr<data::Loader<Item>> loader_;
};

Status CompactImageMethod::prepare() {
  MIEN_RETURN_IF_ERROR(recipe_.training.validate());
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  MIEN_RETURN_IF_ERROR(keep_labelled(data_));
  MIEN_ASSIGN_OR_RETURN(train_votes_, vote_shares_of(*data_.train));
  MIEN_ASSIGN_OR_RETURN(val_votes_, vote_shares_of(*data_.val));
  vote_class_ = vote_places(data_.train->classes);
  known_ = known_columns(data_.train->classes, recipe_.data.leave_out);
  if (known_.left_out_vote >= 0) {
    for (auto& shares : train_votes_) {
      forget(shares, static_cast<std::size_t>(known_.left_out_vote));
    }
  }
  torch::manual_seed(context_.seed);
  tower_ = nn::ResidualTower(recipe_.tower.tower());
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  label_prototypes_ = torch::randn({classes, recipe_.tower.embed});
  vote_prototypes_ = torch::randn({static_cast<std::int64_t>(kVotes), recipe_.tower.embed});
  if (recipe_.training.geometry_weight > 0) {
    MIEN_ASSIGN_OR_RETURN(shapes_, FaceShapes::of(*data_.train));
    const auto measures = static_cast<std::int64_t>(data::kGeometryMeasures);
    shape_head_ = torch::zeros({measures, recipe_.tower.embed});
    shape_bias_ = torch::zeros({measures});
  }
  scale_ = torch::full({}, std::log(12.0), torch::kFloat32);
  if (!recipe_.training.init.empty()) MIEN_RETURN_IF_ERROR(start_from_bundle());
  const image::PreprocessSpec spec = compact_preprocess(recipe_.tower.image_size);
  const auto read = [&](const data::Manifest& manifest, const data::View& view, const char* what) {
    return PictureStore::read(manifest, view, spec, recipe_.data, [&](std::int64_t done) {
      if (context_.progress) {
        context_.progress(what, done, static_cast<std::int64_t>(view.size()));
      }
    });
  };
  MIEN_ASSIGN_OR_RETURN(train_pictures_, read(*data_.train, data_.train_view, "pictures"));
  MIEN_ASSIGN_OR_RETURN(val_pictures_, read(*data_.val, data_.val_view, "validation pictures"));
  train_pictures_->keep_readable(data_.train_view);
  val_pictures_->keep_readable(data_.val_view);
  if (!recipe_.training.teachers.empty()) MIEN_RETURN_IF_ERROR(ask_teachers());
  MIEN_RETURN_IF_ERROR(make_targets());
  loader_ = std::make_unique<data::Loader<Item>>(
      [this](std::int64_t place, Rng& rng) { return make_item(place, rng); },
      data::LoaderOptions{.threads = recipe_.data.threads,
                          .ahead = 2 * recipe_.training.batch,
                          .max_bad_share = recipe_.data.max_bad_share,
                          .batch = recipe_.training.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
  return {};
}

// Tower, label prototypes and factor of an earlier run; the votes have new prototypes.
Status CompactImageMethod::start_from_bundle() {
  const std::filesystem::path path = below_data(context_.data, recipe_.training.init);
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  const engine::Architecture wanted = recipe_.tower.architecture();
  if (bundle->info().architecture.image != wanted.image ||
      bundle->info().architecture.embed != wanted.embed) {
    return invalid_argument(path.string() + ": has an image tower of other sizes than the recipe");
  }
  MIEN_RETURN_IF_ERROR(nn::load_by_name(tower_->published(), bundle->weights(),
                                        {.prefix = "visual.", .strict = true})
                           .with_prefix(path.string()));
  const TensorView* rows = bundle->label_features();
  if (rows != nullptr && rows->dim(0) == label_prototypes_.size(0)) {
    MIEN_ASSIGN_OR_RETURN(label_prototypes_, nn::to_torch(*rows));
  }
  scale_.fill_(std::log(bundle->info().logit_scale));
  if (recipe_.training.blend < 1) start_ = bundle;
  return {};
}

Status CompactImageMethod::ask_teachers() {
  if (!recipe_.data.leave_out.empty()) {
    return invalid_argument(
        "image.teachers: know the class that data.leave_out leaves out "
        "(expected one of both)");
  }
  std::vector<std::filesystem::path> bundles;
  for (const std::string& name : recipe_.training.teachers)
    bundles.push_back(below_data(context_.data, name));
  const auto total = static_cast<std::int64_t>(bundles.size() * data_.train_view.size());
  MIEN_ASSIGN_OR_RETURN(
      taught_,
      methods::ask_teachers(bundles, data_.train->classes, data_.train->samples.size(),
                            *train_pictures_, data_.train_view,
                            compact_preprocess(recipe_.tower.image_size), [&](std::int64_t done) {
                              if (context_.progress) {
                                context_.progress("teachers", done, total);
                              }
                            }));
  return {};
}

std::vector<ParameterGroup> CompactImageMethod::begin_stage(int) {
  ParameterGroup decayed{.name = "weights", .parameters = {}};
  ParameterGroup plain{.name = "norms", .parameters = {}, .weight_decay = 0.0};
  for (const auto& [name, tensor] : nn::named_parameters(*tower_)) {
    (tensor.dim() > 1 ? decayed : plain).parameters.emplace_back("visual." + name, tensor);
  }
  plain.parameters.emplace_back("label_prototypes", label_prototypes_);
  plain.parameters.emplace_back("vote_prototypes", vote_prototypes_);
  plain.parameters.emplace_back("logit_scale", scale_);
  if (shape_head_.defined()) {
    plain.parameters.emplace_back("shape_head", shape_head_);
    plain.parameters.emplace_back("shape_bias", shape_bias_);
  }
  for (const auto& item : plain.parameters) torch::Tensor(item.second).set_requires_grad(true);
  tower_->train();
  return {std::move(decayed), std::move(plain)};
}

NamedTorchTensors CompactImageMethod::state() {
  NamedTorchTensors out;
  for (const auto& [name, tensor] : tower_->published()) out.emplace_back("visual." + name, tensor);
  out.emplace_back("label_prototypes", label_prototypes_);
  out.emplace_back("vote_prototypes", vote_prototypes_);
  out.emplace_back("logit_scale", scale_);
  if (shape_head_.defined()) {
    out.emplace_back("shape_head", shape_head_);
    out.emplace_back("shape_bias", shape_bias_);
  }
  return out;
}

Status CompactImageMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  const std::uint64_t seed = context_.seed * 1'000'003ULL +
                             static_cast<std::uint64_t>(stage) * 10'007ULL +
                             static_cast<std::uint64_t>(epoch);
  Rng rng(seed);
  data::View view = data::tempered(*data_.train, data_.train_view, recipe_.training.balance, rng);
  loader_->start(data::shuffled(std::move(view), rng), seed, first_step * recipe_.training.batch);
  tower_->train();
  return {};
}

Result<CompactImageMethod::Item> CompactImageMethod::make_item(std::int64_t place, Rng& rng) const {
  const int side = recipe_.tower.image_size;
  const auto area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const std::span<const float> picture = train_pictures_->plane(place);
  std::vector<float> planes(3 * area);
  for (std::size_t p = 0; p < 3; ++p) {
    std::copy(picture.begin(), picture.end(),
              planes.begin() + static_cast<std::ptrdiff_t>(p * area));
  }
  const data::Augmentation drawn = data::draw_augmentation(recipe_.training.augment, rng);
  data::augment(drawn, side, planes, rng);
  Item out{{}, place};
  const int crop = recipe_.training.crop > 0 ? std::min(recipe_.training.crop, side) : side;
  const auto room = static_cast<std::uint64_t>(side - crop + 1);
  const auto left = static_cast<std::ptrdiff_t>(rng.below(room));
  const auto top = static_cast<std::ptrdiff_t>(rng.below(room));
  out.plane.reserve(static_cast<std::size_t>(crop) * static_cast<std::size_t>(crop));
  for (std::ptrdiff_t y = top; y < top + crop; ++y) {
    const auto row = planes.begin() + y * side + left;
    out.plane.insert(out.plane.end(), row, row + crop);
  }
  return out;
}

// Smoothed labels, of which the votes may tell a share.
Status CompactImageMethod::make_targets() {
  const CompactImageTraining& training = recipe_.training;
  const double s = training.smoothing;
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  label_targets_ = torch::full({static_cast<std::int64_t>(data_.train->samples.size()), classes},
                               s / static_cast<double>(classes));
  for (const std::int64_t place : data_.train_view) {
    label_targets_[place][data_.train->samples[static_cast<std::size_t>(place)].labels.front()] +=
        1 - s;
  }
  if (training.voted_labels == 0) return {};
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor voted,
                        labels_by_votes(*data_.train, data_.train_view, known_.left_out_vote));
  label_targets_ =
      at::where(voted.isnan(), label_targets_, label_targets_.lerp(voted, training.voted_labels));
  return {};
}

Result<CompactImageMethod::Batch> CompactImageMethod::next_batch(std::vector<std::string>& ids) {
  const std::int64_t count = recipe_.training.batch;
  Batch out;
  std::vector<std::int64_t> places;
  out.votes = torch::empty({count, static_cast<std::int64_t>(kVotes)});
  for (std::int64_t i = 0; i < count; ++i) {
    MIEN_ASSIGN_OR_RETURN(const Item item, loader_->next());
    const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(item.plane.size())));
    if (!out.pixels.defined()) out.pixels = torch::empty({count, 1, side, side});
    std::memcpy(out.pixels[i].data_ptr<float>(), item.plane.data(), 4 * item.plane.size());
    const auto place = static_cast<std::size_t>(item.place);
    std::memcpy(out.votes[i].data_ptr<float>(), train_votes_[place].data(), 4 * kVotes);
    ids.push_back(data_.train->samples[place].id);
    places.push_back(item.place);
  }
  const torch::Tensor rows = torch::tensor(places, torch::kInt64);
  out.labels = label_targets_.index_select(0, rows);
  const auto taught = [&](torch::Tensor& targets, const torch::Tensor& answers) {
    if (!answers.defined()) return;
    targets.lerp_(answers.index_select(0, rows), recipe_.training.teacher_weight);
  };
  taught(out.labels, taught_.labels);
  taught(out.votes, taught_.votes);
  if (shape_head_.defined()) {
    out.shapes = shapes_.values.index_select(0, rows);
    out.has_shape = shapes_.known.index_select(0, rows);
  }
  return out;
}

Result<StepOutput> CompactImageMethod::step() {
  StepOutput out;
  MIEN_ASSIGN_OR_RETURN(Batch batch, next_batch(out.ids));
  out.samples = recipe_.training.batch;
  // The trainer seeds LibTorch's generator for every step, so a resumed run mixes alike.
  if (recipe_.training.mixup > 0 &&
      torch::rand({1}).item<double>() < recipe_.training.mixup_share) {
    const torch::Tensor alpha = torch::full({2}, recipe_.training.mixup);
    const torch::Tensor gammas = at::_standard_gamma(alpha);
    const double share = (gammas[0] / gammas.sum().clamp_min(1e-12)).item<double>();
    const torch::Tensor other = torch::randperm(out.samples, torch::kInt64);
    const auto mix = [&](torch::Tensor& x) {
      x = x * share + x.index_select(0, other) * (1 - share);
    };
    mix(batch.pixels);
    mix(batch.labels);
    mix(batch.votes);
    if (batch.shapes.defined()) {
      mix(batch.shapes);
      batch.has_shape = batch.has_shape * batch.has_shape.index_select(0, other);
    }
  }
  const torch::Tensor rows = tower_->forward(batch.pixels).to(torch::kFloat32);
  out.loss = known_cross_entropy(logits(rows, label_prototypes_), batch.labels, known_.labels);
  if (recipe_.training.vote_weight > 0) {
    out.loss = out.loss +
               recipe_.training.vote_weight *
                   known_cross_entropy(logits(rows, vote_prototypes_), batch.votes, known_.votes);
  }
  if (batch.shapes.defined()) {
    const torch::Tensor said = at::linear(rows, shape_head_, shape_bias_);
    const torch::Tensor apart =
        at::smooth_l1_loss(said, batch.shapes, at::Reduction::None).mean(1) * batch.has_shape;
    const torch::Tensor shape_loss = apart.sum() / batch.has_shape.sum().clamp_min(1);
    out.loss = out.loss + recipe_.training.geometry_weight * shape_loss;
    out.values.emplace_back("geometry_loss", shape_loss.item<double>());
  }
  out.values.emplace_back("factor", scale_.exp().item<double>());
  return out;
}

Result<NamedValues> CompactImageMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  tower_->eval();
  const auto classes = static_cast<std::size_t>(label_prototypes_.size(0));
  metrics::ConfusionMatrix labels(classes), majority(classes);
  // A class that does not validate has a prototype that nothing has trained: it is no answer.
  const torch::Tensor answers =
      recipe_.data.left_out_validates ? at::arange(label_prototypes_.size(0)) : known_.labels;
  for (std::size_t first = 0; first < data_.val_view.size();
       first += static_cast<std::size_t>(kCompactImageValidationBatch)) {
    MIEN_RETURN_IF_ERROR(context_.validating(static_cast<std::int64_t>(first),
                                             static_cast<std::int64_t>(data_.val_view.size())));
    const auto count = std::min<std::int64_t>(
        kCompactImageValidationBatch, static_cast<std::int64_t>(data_.val_view.size() - first));
    const torch::Tensor pixels = val_pictures_->planes(
        std::span(data_.val_view).subspan(first, static_cast<std::size_t>(count)));
    const torch::Tensor rows = tower_->forward(pixels);
    const torch::Tensor said = best_of(logits(rows, label_prototypes_), answers);
    const torch::Tensor votes = logits(rows, vote_prototypes_);
    for (std::int64_t i = 0; i < count; ++i) {
      const auto place =
          static_cast<std::size_t>(data_.val_view[first + static_cast<std::size_t>(i)]);
      labels.add(static_cast<std::size_t>(data_.val->samples[place].labels.front()),
                 static_cast<std::size_t>(said[i].item<std::int64_t>()));
      // The majority of the votes among the classes, told by the prototypes of the votes.
      std::size_t truth = classes, best = classes;
      float most = 0;
      double top = -1e9;
      for (std::size_t c = 0; c < classes; ++c) {
        if (vote_class_[c] < 0) continue;
        if (!recipe_.data.left_out_validates && vote_class_[c] == known_.left_out_vote) continue;
        const auto v = static_cast<std::size_t>(vote_class_[c]);
        if (val_votes_[place][v] > most) {
          most = val_votes_[place][v];
          truth = c;
        }
        const double logit = votes[i][vote_class_[c]].item<double>();
        if (logit > top) {
          top = logit;
          best = c;
        }
      }
      if (truth < classes && most > 0.5F) majority.add(truth, best);
    }
  }
  tower_->train();
  MIEN_ASSIGN_OR_RETURN(const double war, metrics::weighted_average_recall(labels));
  MIEN_ASSIGN_OR_RETURN(const metrics::ClassMean uar, metrics::unweighted_average_recall(labels));
  NamedValues out = {{"war", war}, {"uar", uar.percent}};
  if (majority.total() > 0) {
    MIEN_ASSIGN_OR_RETURN(const double votes, metrics::weighted_average_recall(majority));
    out.emplace_back("majority_war", votes);
  }
  return out;
}

Status CompactImageMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const CompactImageTraining& training = recipe_.training;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = recipe_.training.name.empty() ? "compact-image" : recipe_.training.name;
  info.method = "compact-image";
  info.architecture = recipe_.tower.architecture();
  info.preprocess = compact_preprocess(recipe_.tower.image_size);
  for (const std::string& name : data_.train->classes) {
    text::Label label{.name = name, .texts = text::describe(name), .parts = {}};
    label.texts.resize(1);
    info.labels.push_back(std::move(label));
  }
  info.logit_scale = scale_.exp().item<double>();
  info.licence = recipe_.training.licence;
  info.provenance = context_.provenance;
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  NamedTorchTensors owned;
  for (const auto& [name, tensor] : tower_->published()) {
    torch::Tensor whole = tensor.detach().to(torch::kFloat32);
    if (start_) {
      MIEN_ASSIGN_OR_RETURN(const torch::Tensor before,
                            nn::to_torch(*start_->weights().find("visual." + name)));
      whole = training.blend * whole + (1 - training.blend) * before.to(torch::kFloat32);
    }
    owned.emplace_back("visual." + name, whole.contiguous());
  }
  owned.emplace_back(engine::Bundle::kLabelFeatures,
                     loss::unit_rows(label_prototypes_.detach()).contiguous());
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  content.card = fmt::format(kCompactImageCard, fmt::arg("name", info.name),
                             fmt::arg("labels", fmt::join(data_.train->classes, ", ")),
                             fmt::arg("data", data_.train->name),
                             fmt::arg("samples", data_.train_view.size()));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace

void CompactImageRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("tower", tower);
  set.group("image", training);
}

Result<std::unique_ptr<Method>> CompactImageRecipe::make(const MethodContext& context) const {
  return CompactImageMethod::make(*this, context);
}

}  // namespace mien::methods
