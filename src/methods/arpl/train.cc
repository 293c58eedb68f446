// ARPL on a frozen image tower.
#include "methods/arpl/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cmath>

#include "methods/kit/learned_labels.h"
#include "mien/loss/open_set.h"

namespace mien::methods {
namespace {

constexpr std::string_view kArplCard = R"(# {name}

Trained by `mien train` with the method ARPL (arXiv 2103.00953) on the embeddings of {init}.

- Training data: {data}, {samples} samples of the known classes. The weights inherit the terms of this data.
- Known: {labels}. The score of one is how far an embedding is from the point that stands for all but it.
- Unknown: {unknown} % of the training samples pass the threshold.
- Labels of your own are scored by the texts alone; the threshold for unknown holds for the known classes only.

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

}  // namespace

void ArplTraining::register_options(OptionSet& set) {
  set.add("init", init, "Bundle that the towers come from, below --data");
  set.add("known", known, "Classes that train; the others are unknown. Empty: all, or arpl.split");
  set.add("split", split, "Published list and number of a split, for example afew:3");
  set.add("epochs", epochs, "Epochs", {1, 1e6});
  set.add("batch", batch, "Clips per step and process", {1, 65536});
  set.add("frames", frames, "Frames per clip", {1, 4096});
  set.add("adapter", adapter, "Train a matrix on the embeddings, from identity");
  set.add("init_std", init_std, "Deviation of the points at the start", {0, 10});
  set.add("temperature", temperature, "The scores are divided by it", {1e-4, 1e4});
  set.add("margin_weight", margin_weight, "Of the margin", {0, 1000});
  set.add("lengths", lengths, "Of embeddings: the tower's own, or all the root of the logit scale",
          {"own", "matched"});
  set.add("select", select, "Epoch that is kept; auroc_oscr looks at the validation part",
          {"last", "auroc_oscr", "war", "uar"});
  set.add("accept", accept, "Share of the training clips that is not unknown", {0.5, 1});
  set.add("name", name, "Of the bundle; empty: that of the data");
  set.add("licence", licence, "Of the bundle");
}

Status ArplTraining::validate() const {
  if (!init.empty()) return {};
  return invalid_argument("arpl.init: is empty (expected a bundle with both towers)");
}

void ArplRecipe::register_options(OptionSet& set) {
  set.group("data", data);
  set.group("arpl", training);
}

Result<std::unique_ptr<Method>> ArplRecipe::make(const MethodContext& context) const {
  return ArplMethod::make(*this, context);
}

Result<std::unique_ptr<Method>> ArplMethod::make(const ArplRecipe& recipe,
                                                 const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(recipe.training.validate());
  std::unique_ptr<ArplMethod> out(new ArplMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status ArplMethod::prepare() {
  const ArplTraining& training = recipe_.training;
  MIEN_RETURN_IF_ERROR(load({.init = training.init,
                             .known = training.known,
                             .split = training.split,
                             .frames = training.frames,
                             .batch = training.batch,
                             .select = training.select}));
  const std::int64_t width = towers_->architecture().embed;
  if (training.lengths == "matched") {
    length_ = std::sqrt(towers_->bundle().info().logit_scale);
  }
  const auto count = static_cast<std::int64_t>(data_.classes.size());
  points_ = torch::randn({count, width}) * training.init_std;
  radius_ = torch::zeros({1});
  if (training.adapter) adapter_ = torch::eye(width);
  FrameCacheOptions options;
  options.key = "open set " + training.init;
  options.threads = recipe_.data.threads;
  options.width = width;
  options.tower = towers_->image_tensors();
  options.encode = [this](const torch::Tensor& pixels) { return towers_->images(pixels, true); };
  MIEN_RETURN_IF_ERROR(open_caches(data_.data, reader_, options, context_, train_rows_, val_rows_));
  start_loader();
  return {};
}

std::vector<ParameterGroup> ArplMethod::begin_stage(int) {
  ParameterGroup out{.name = "arpl", .parameters = state()};
  for (const auto& item : out.parameters) torch::Tensor(item.second).requires_grad_(true);
  return {out};
}

NamedTorchTensors ArplMethod::state() {
  NamedTorchTensors out{{"points", points_}, {"radius", radius_}};
  if (adapter_.defined()) out.emplace_back("adapter", adapter_);
  return out;
}

Result<ClipItem> ArplMethod::make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                       std::int64_t place, Rng& rng) const {
  const bool train = &manifest == data_.data.train.get();
  return read_item(manifest, place, reader_, phase, train ? train_rows_ : val_rows_, rng);
}

torch::Tensor ArplMethod::rows_of(const std::vector<ClipItem>& items) const {
  return stack_items(items, {static_cast<std::int64_t>(items.size()), recipe_.training.frames,
                             towers_->architecture().embed});
}

torch::Tensor ArplMethod::features(const torch::Tensor& rows) const {
  torch::Tensor out = rows.mean(1);
  if (length_ > 0) out = out * (length_ / out.norm(2, 1, true).clamp_min(1e-12));
  return adapter_.defined() ? at::matmul(out, adapter_.t()) : out;
}

torch::Tensor ArplMethod::scores(const torch::Tensor& rows) const {
  return loss::reciprocal_scores(features(rows), points_);
}

Result<StepOutput> ArplMethod::step() {
  StepOutput out;
  MIEN_ASSIGN_OR_RETURN(const std::vector<ClipItem> items, next_batch(out));
  const torch::Tensor labels = labels_of(*data_.data.train, items);
  const torch::Tensor rows = features(rows_of(items));
  const torch::Tensor ce = at::cross_entropy_loss(
      loss::reciprocal_scores(rows, points_) / recipe_.training.temperature, labels);
  const torch::Tensor margin = loss::reciprocal_margin(rows, points_, labels, radius_);
  out.loss = ce + recipe_.training.margin_weight * margin;
  out.values.emplace_back("ce", ce.item<double>());
  out.values.emplace_back("margin", margin.item<double>());
  return out;
}

OpenSetScores ArplMethod::score_items(const std::vector<ClipItem>& items) {
  return {.known = {}, .negative = scores(rows_of(items))};
}

Status ArplMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  const ArplTraining& training = recipe_.training;
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info = bundle_info("arpl", training.name, training.licence);
  info.logit_scale = from.logit_scale;
  info.labels = learned_labels(data_.classes, {}, 1);
  const std::vector<std::string> names = published_names();
  std::vector<torch::Tensor> texts;
  for (std::size_t c = 0; c < names.size(); ++c) {
    info.labels[c].texts = {names[c]};
    MIEN_ASSIGN_OR_RETURN(texts.emplace_back(), towers_->unit_text(names[c]));
  }
  info.architecture.reciprocal =
      engine::ReciprocalPoints{.labels = static_cast<int>(data_.classes.size()),
                               .adapter = training.adapter,
                               .cosine_weight = 0,
                               .distance_weight = 1,
                               .length = length_};
  MIEN_ASSIGN_OR_RETURN(const OpenSetScores train,
                        score(*data_.data.train, data_.data.train_view, nullptr));
  info.unknown.kind = engine::UnknownRule::Kind::kMaxLogit;
  info.unknown.threshold = released_threshold(std::get<0>(train.negative.max(1)), training.accept);
  MIEN_RETURN_IF_ERROR(fit_temperature(training.accept, info));
  TowerExport tensors(*towers_);
  tensors.replace(
      {{engine::Bundle::kLabelFeatures, at::stack(texts)}, {"reciprocal.points", points_}});
  if (adapter_.defined()) tensors.replace({{"reciprocal.adapter", adapter_}});
  content.tensors = tensors.views();
  content.tokenizer = towers_->tokenizer().file_text();
  content.card = fmt::format(kArplCard, fmt::arg("name", info.name), fmt::arg("init", from.name),
                             fmt::arg("data", data_.data.train->name),
                             fmt::arg("samples", data_.data.train_view.size()),
                             fmt::arg("labels", fmt::format("{}", fmt::join(data_.classes, ", "))),
                             fmt::arg("unknown", 100 * training.accept));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
