// Training of the compact image tower.
#include "methods/compact/image_train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "loss/unit_rows.h"
#include "methods/compact/labels_by_votes.h"
#include "methods/kit/below_data.h"
#include "methods/kit/named_tensors.h"
#include "methods/kit/tower_table.h"
#include "mien/metrics/confusion.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kCompactImageValidationBatch = 128;

}  // namespace

torch::Tensor CompactImageMethod::logits(const torch::Tensor& embeddings,
                                         const torch::Tensor& prototypes) const {
  return scale_.exp() * at::matmul(loss::unit_rows(embeddings), loss::unit_rows(prototypes).t());
}

Status CompactImageMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load_labelled_data());
  MIEN_ASSIGN_OR_RETURN(train_votes_, vote_shares_of(*data_.train));
  MIEN_ASSIGN_OR_RETURN(val_votes_, vote_shares_of(*data_.val));
  vote_class_ = vote_places(data_.train->classes);
  known_ = known_columns(data_.train->classes, data_options_.leave_out);
  forget_left_out(known_, train_votes_);
  MIEN_RETURN_IF_ERROR(prepare_model());
  const image::PreprocessSpec spec = compact_preprocess(sizes_.image_size);
  MIEN_RETURN_IF_ERROR(
      read_pictures(data_, spec, data_options_, context_, train_pictures_, val_pictures_));
  if (!training_.teachers.empty()) MIEN_RETURN_IF_ERROR(ask_teachers());
  set_batch(training_.batch);
  return make_targets();
}

Status CompactImageMethod::prepare_model() {
  torch::manual_seed(context_.seed);
  tower_ = nn::ResidualTower(
      residual_options(std::get<engine::ResidualSizes>(sizes_.architecture().image), sizes_.embed));
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  label_prototypes_ = torch::randn({classes, sizes_.embed});
  vote_prototypes_ = torch::randn({static_cast<std::int64_t>(kVoteClasses), sizes_.embed});
  if (training_.geometry_weight > 0) {
    MIEN_ASSIGN_OR_RETURN(shapes_, FaceShapes::of(*data_.train));
    const auto measures = static_cast<std::int64_t>(data::kGeometryMeasures);
    shape_head_ = torch::zeros({measures, sizes_.embed});
    shape_bias_ = torch::zeros({measures});
  }
  scale_ = torch::full({}, std::log(12.0), torch::kFloat32);
  return training_.init.empty() ? Status() : start_from_bundle();
}

// Tower, label prototypes and factor of an earlier run; the votes have new prototypes.
Status CompactImageMethod::start_from_bundle() {
  const std::filesystem::path path = below_data(context_.data, training_.init);
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  const engine::Architecture wanted = sizes_.architecture();
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
  if (training_.blend < 1) start_ = bundle;
  return {};
}

Status CompactImageMethod::ask_teachers() {
  if (!data_options_.leave_out.empty()) {
    return invalid_argument(
        "image.teachers: know the class that data.leave_out leaves out "
        "(expected one of both)");
  }
  std::vector<std::filesystem::path> bundles;
  for (const std::string& name : training_.teachers)
    bundles.push_back(below_data(context_.data, name));
  const auto total = static_cast<std::int64_t>(bundles.size() * data_.train_view.size());
  MIEN_ASSIGN_OR_RETURN(
      taught_, methods::ask_teachers(bundles, data_.train->classes, data_.train->samples.size(),
                                     *train_pictures_, data_.train_view,
                                     compact_preprocess(sizes_.image_size), [&](std::int64_t done) {
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
  append(out, "visual.", tower_->published());
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
  tower_->train();
  return SampleMethod::begin_epoch(stage, epoch, first_step);
}

Result<ClipItem> CompactImageMethod::make_item(const data::Manifest&, video::SamplingPhase,
                                               std::int64_t place, Rng& rng) const {
  const int side = sizes_.image_size;
  const auto area = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
  const std::span<const float> picture = train_pictures_->plane(place);
  std::vector<float> planes(3 * area);
  for (std::size_t p = 0; p < 3; ++p) {
    std::copy(picture.begin(), picture.end(),
              planes.begin() + static_cast<std::ptrdiff_t>(p * area));
  }
  const data::Augmentation drawn = data::draw_augmentation(training_.augment, rng);
  data::augment(drawn, side, planes, rng);
  ClipItem out{.place = place};
  const int crop = training_.crop > 0 ? std::min(training_.crop, side) : side;
  const auto room = static_cast<std::uint64_t>(side - crop + 1);
  const auto left = static_cast<std::ptrdiff_t>(rng.below(room));
  const auto top = static_cast<std::ptrdiff_t>(rng.below(room));
  out.values.reserve(static_cast<std::size_t>(crop) * static_cast<std::size_t>(crop));
  for (std::ptrdiff_t y = top; y < top + crop; ++y) {
    const auto row = planes.begin() + y * side + left;
    out.values.insert(out.values.end(), row, row + crop);
  }
  return out;
}

// Smoothed labels, of which the votes may tell a share.
Status CompactImageMethod::make_targets() {
  const double s = training_.smoothing;
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  label_targets_ = torch::full({static_cast<std::int64_t>(data_.train->samples.size()), classes},
                               s / static_cast<double>(classes));
  for (const std::int64_t place : data_.train_view) {
    label_targets_[place][data_.train->samples[static_cast<std::size_t>(place)].labels.front()] +=
        1 - s;
  }
  if (training_.voted_labels == 0) return {};
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor voted,
                        labels_by_votes(*data_.train, data_.train_view, known_.left_out_vote));
  label_targets_ =
      at::where(voted.isnan(), label_targets_, label_targets_.lerp(voted, training_.voted_labels));
  return {};
}

CompactImageMethod::Batch CompactImageMethod::batch_of(const Items& items) const {
  const auto count = static_cast<std::int64_t>(items.size());
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(items.front().values.size())));
  Batch out;
  out.pixels = stack_items(items, {count, 1, side, side});
  out.votes = torch::empty({count, static_cast<std::int64_t>(kVoteClasses)});
  std::vector<std::int64_t> places;
  for (const ClipItem& item : items) {
    const VoteShares& votes = train_votes_[static_cast<std::size_t>(item.place)];
    std::copy(votes.begin(), votes.end(),
              out.votes.data_ptr<float>() + places.size() * kVoteClasses);
    places.push_back(item.place);
  }
  const torch::Tensor rows = torch::tensor(places, torch::kInt64);
  out.labels = label_targets_.index_select(0, rows);
  const auto taught = [&](torch::Tensor& targets, const torch::Tensor& answers) {
    if (!answers.defined()) return;
    targets.lerp_(answers.index_select(0, rows), training_.teacher_weight);
  };
  taught(out.labels, taught_.labels);
  taught(out.votes, taught_.votes);
  if (shape_head_.defined()) {
    out.shapes = shapes_.values.index_select(0, rows);
    out.has_shape = shapes_.known.index_select(0, rows);
  }
  return out;
}

// The trainer seeds LibTorch's generator for every step, so a resumed run mixes alike.
void CompactImageMethod::mix(Batch& batch) const {
  if (training_.mixup == 0 || torch::rand({1}).item<double>() >= training_.mixup_share) return;
  const torch::Tensor alpha = torch::full({2}, training_.mixup);
  const torch::Tensor gammas = at::_standard_gamma(alpha);
  const double share = (gammas[0] / gammas.sum().clamp_min(1e-12)).item<double>();
  const torch::Tensor other = torch::randperm(batch.pixels.size(0), torch::kInt64);
  const auto blend = [&](torch::Tensor& x) {
    x = x * share + x.index_select(0, other) * (1 - share);
  };
  blend(batch.pixels);
  blend(batch.labels);
  blend(batch.votes);
  if (!batch.shapes.defined()) return;
  blend(batch.shapes);
  batch.has_shape = batch.has_shape * batch.has_shape.index_select(0, other);
}

Status CompactImageMethod::forward(const Items& items, StepOutput& out) {
  Batch batch = batch_of(items);
  mix(batch);
  const torch::Tensor rows = tower_->forward(batch.pixels).to(torch::kFloat32);
  out.loss = known_cross_entropy(logits(rows, label_prototypes_), batch.labels, known_.labels);
  if (training_.vote_weight > 0) {
    out.loss =
        out.loss + training_.vote_weight * known_cross_entropy(logits(rows, vote_prototypes_),
                                                               batch.votes, known_.votes);
  }
  if (batch.shapes.defined()) {
    const torch::Tensor said = at::linear(rows, shape_head_, shape_bias_);
    const torch::Tensor apart =
        at::smooth_l1_loss(said, batch.shapes, at::Reduction::None).mean(1) * batch.has_shape;
    const torch::Tensor shape_loss = apart.sum() / batch.has_shape.sum().clamp_min(1);
    out.loss = out.loss + training_.geometry_weight * shape_loss;
    out.values.emplace_back("geometry_loss", shape_loss.item<double>());
  }
  out.values.emplace_back("factor", scale_.exp().item<double>());
  return {};
}

std::pair<std::size_t, std::size_t> CompactImageMethod::majority_of(
    std::size_t place, const torch::Tensor& votes) const {
  const std::size_t classes = vote_class_.size();
  std::size_t truth = classes, best = classes;
  float most = 0.5F;
  double top = -1e9;
  for (std::size_t c = 0; c < classes; ++c) {
    if (vote_class_[c] < 0) continue;
    if (!data_options_.left_out_validates && vote_class_[c] == known_.left_out_vote) continue;
    const float share = val_votes_[place][static_cast<std::size_t>(vote_class_[c])];
    if (share > most) {
      most = share;
      truth = c;
    }
    const double logit = votes[vote_class_[c]].item<double>();
    if (logit > top) {
      top = logit;
      best = c;
    }
  }
  return {truth, best};
}

Result<NamedValues> CompactImageMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  tower_->eval();
  const auto classes = static_cast<std::size_t>(label_prototypes_.size(0));
  metrics::ConfusionMatrix labels(classes), majority(classes);
  // A class that does not validate has a prototype that nothing has trained: it is no answer.
  const torch::Tensor answers =
      data_options_.left_out_validates ? at::arange(label_prototypes_.size(0)) : known_.labels;
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
      const auto [truth, best] = majority_of(place, votes[i]);
      if (truth < classes) majority.add(truth, best);
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

}  // namespace mien::methods
