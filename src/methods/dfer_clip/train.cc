// Training of DFER-CLIP.
#include "methods/dfer_clip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/kit/below_data.h"
#include "methods/kit/class_texts.h"
#include "methods/kit/epoch_order.h"
#include "methods/kit/figures.h"
#include "methods/kit/labelled.h"
#include "mien/loss/cross_entropy.h"
#include "mien/nn/load.h"
#include "mien/text/prompt_ensembles.h"

namespace mien::methods {
namespace {

constexpr std::size_t kDferClipValidationBatch = 8;  // clips
// The published sizes; those of a wider or narrower joint space keep their proportions.
constexpr int kHeads = 8;
constexpr int kHeadWidth = 64;
constexpr int kMlpFactor = 2;

}  // namespace

Result<std::unique_ptr<Method>> DferClipMethod::make(const DferClipRecipe& recipe,
                                                     const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(recipe.training.validate());
  std::unique_ptr<DferClipMethod> out(new DferClipMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status DferClipMethod::prepare() {
  const DferClipTraining& training = recipe_.training;
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  MIEN_RETURN_IF_ERROR(keep_labelled(data_));
  const std::filesystem::path init = below_data(context_.data, training.init);
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(init));
  torch::manual_seed(context_.seed);
  MIEN_RETURN_IF_ERROR(prepare_texts());
  MIEN_RETURN_IF_ERROR(prepare_temporal());
  MIEN_RETURN_IF_ERROR(prepare_cache());
  loader_ = std::make_unique<data::Loader<ClipItem>>(
      [this](std::int64_t place, Rng& rng) { return make_item(true, place, rng); },
      data::LoaderOptions{.threads = recipe_.data.threads,
                          .ahead = 2 * training.batch,
                          .max_bad_share = recipe_.data.max_bad_share,
                          .batch = training.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
  return {};
}

Status DferClipMethod::prepare_texts() {
  const DferClipTraining& training = recipe_.training;
  const std::vector<std::string>& classes = data_.train->classes;
  const auto labels = [&] {
    if (!training.class_texts.empty()) {
      return class_texts(training.class_texts, context_.data, classes);
    }
    if (training.texts == "descriptors") return text::facial_descriptors(classes);
    return text::prompt_ensemble(training.texts == "names" ? "P1" : "P2", classes);
  }();
  if (!labels.ok()) {
    return labels.status().with_prefix(
        "dfer-clip.texts (dfer-clip.class_texts takes a file for other classes)");
  }
  for (const text::Label& label : labels->labels) {
    if (label.texts.empty()) {
      return invalid_argument(
          fmt::format("class '{}': is a compound (expected a text)", label.name));
    }
    texts_.push_back(label.texts.front());
  }
  for (const auto& item : towers_->text_tensors()) torch::Tensor(item.second).requires_grad_(false);
  MIEN_ASSIGN_OR_RETURN(contexts_, ContextLearner::make(*towers_, training.contexts, texts_));
  return {};
}

engine::TemporalTower DferClipMethod::temporal_sizes() const {
  const int embed = towers_->architecture().embed;
  return {.width = embed,
          .layers = recipe_.training.temporal_layers,
          .heads = kHeads,
          .head_width = kHeadWidth,
          .mlp = kMlpFactor * embed,
          .positions = recipe_.training.frames + 1,
          .activation = kernels::Activation::kGeluTanh};
}

Status DferClipMethod::prepare_temporal() {
  const engine::TemporalTower sizes = temporal_sizes();
  temporal_ = nn::TemporalTransformer(nn::TemporalOptions{.width = sizes.width,
                                                          .layers = sizes.layers,
                                                          .heads = sizes.heads,
                                                          .head_width = sizes.head_width,
                                                          .mlp = sizes.mlp,
                                                          .positions = sizes.positions});
  const engine::Bundle& from = towers_->bundle();
  const auto& given = from.info().architecture.temporal;
  if (!given) return {};
  if (*given == sizes) {
    return nn::load_by_name(temporal_tensors(), from.weights(), {.strict = false})
        .with_prefix(recipe_.training.init);
  }
  log_to(context_.log, LogLevel::kWarning,
         recipe_.training.init +
             ": its temporal model has other sizes than this recipe's, which starts from random "
             "weights");
  return {};
}

ClipReader DferClipMethod::reader() const {
  const DferClipTraining& training = recipe_.training;
  ClipReader out;
  out.preprocess = training.preprocess == "init"
                       ? towers_->bundle().info().preprocess
                       : image::PreprocessSpec::dfer_clip(towers_->architecture().image.image_size);
  out.sampling = {.rule = video::SamplingRule::kDferClip, .frames = training.frames};
  out.pictures = training.view;
  return out;
}

Status DferClipMethod::prepare_cache() {
  const DferClipTraining& training = recipe_.training;
  if (!training.cache || trains_image() || training.view.any()) return {};
  FrameCacheOptions options;
  options.key = "dfer-clip " + training.init;
  options.threads = recipe_.data.threads;
  options.width = towers_->architecture().embed;
  options.tower = towers_->image_tensors();
  options.encode = [this](const torch::Tensor& pixels) { return towers_->images(pixels, true); };
  return open_caches(data_, reader(), options, context_, train_rows_, val_rows_);
}

NamedTorchTensors DferClipMethod::temporal_tensors() const {
  NamedTorchTensors out;
  for (const auto& item : temporal_->named_parameters()) {
    out.emplace_back("temporal." + item.key(), item.value());
  }
  return out;
}

std::vector<ParameterGroup> DferClipMethod::begin_stage(int) {
  const DferClipTraining& training = recipe_.training;
  std::vector<ParameterGroup> out = {{.name = "temporal", .parameters = temporal_tensors()}};
  ParameterGroup image{
      .name = "image", .parameters = {}, .lr_factor = training.lr_image / training.lr_temporal};
  for (const auto& [name, tensor] : towers_->image_tensors()) {
    const bool statistic = name.ends_with("running_mean") || name.ends_with("running_var");
    torch::Tensor(tensor).requires_grad_(trains_image() && !statistic);
    if (trains_image() && !statistic) image.parameters.emplace_back(name, tensor);
  }
  if (trains_image()) out.push_back(std::move(image));
  torch::Tensor(contexts_->vectors()).requires_grad_(training.lr_contexts > 0);
  if (training.lr_contexts > 0) {
    out.push_back({.name = "contexts",
                   .parameters = {{"contexts", contexts_->vectors()}},
                   .lr_factor = training.lr_contexts / training.lr_temporal});
  }
  return out;
}

// An image tower that does not train comes from the bundle again.
NamedTorchTensors DferClipMethod::state() {
  NamedTorchTensors out = temporal_tensors();
  out.emplace_back("contexts", contexts_->vectors());
  if (trains_image()) {
    for (auto& item : towers_->image_tensors()) out.push_back(std::move(item));
  }
  return out;
}

std::int64_t DferClipMethod::steps_per_epoch(int) const {
  return epoch_size(data_, false) /
         (std::int64_t{recipe_.training.batch} * context_.processes.world);
}

Status DferClipMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_, false, context_.seed, stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * recipe_.training.batch);
  return {};
}

Result<ClipItem> DferClipMethod::make_item(bool training, std::int64_t place, Rng& rng) const {
  return read_item(training ? *data_.train : *data_.val, place, reader(),
                   training ? video::SamplingPhase::kTrain : video::SamplingPhase::kTest,
                   training ? train_rows_ : val_rows_, rng);
}

torch::Tensor DferClipMethod::features(const std::vector<ClipItem>& items) {
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t frames = recipe_.training.frames;
  const std::int64_t embed = towers_->architecture().embed;
  const std::int64_t side = towers_->architecture().image.image_size;
  torch::Tensor rows;
  if (train_rows_.empty()) {
    rows = towers_->images(stack_items(items, {count * frames, 3, side, side}), !trains_image())
               .view({count, frames, embed});
  } else {
    rows = stack_items(items, {count, frames, embed});
  }
  const torch::Tensor out = temporal_->forward(rows).to(torch::kFloat32);
  return out / out.norm(2, -1, true).clamp_min(1e-12);
}

Result<StepOutput> DferClipMethod::step() {
  std::vector<ClipItem> items;
  StepOutput out;
  for (int i = 0; i < recipe_.training.batch; ++i) {
    MIEN_ASSIGN_OR_RETURN(ClipItem item, loader_->next());
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(item.place)].id);
    items.push_back(std::move(item));
  }
  out.samples = recipe_.training.batch;
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor logits =
      at::matmul(features(items), contexts_->encode(*towers_).t()) / recipe_.training.temperature;
  out.loss = loss::cross_entropy(logits, labels);
  const torch::Tensor right = logits.argmax(1).eq(labels);
  out.values.emplace_back("train_war", 100 * right.to(torch::kFloat64).mean().item<double>());
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

Result<DferClipMethod::Scored> DferClipMethod::score_validation() {
  data::Loader<ClipItem> loader(
      [this](std::int64_t place, Rng& rng) { return make_item(false, place, rng); },
      {.threads = recipe_.data.threads, .ahead = 16, .max_bad_share = recipe_.data.max_bad_share});
  loader.start(data_.val_view, 0);
  const torch::Tensor texts = contexts_->encode(*towers_);
  Scored out;
  std::vector<torch::Tensor> rows;
  while (loader.remaining() > 0) {
    const auto total = static_cast<std::int64_t>(data_.val_view.size());
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<ClipItem> items;
    while (loader.remaining() > 0 && items.size() < kDferClipValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
      const auto place = static_cast<std::size_t>(items.back().place);
      out.truth.push_back(data_.val->samples[place].labels.front());
    }
    rows.push_back(at::matmul(features(items), texts.t()) / recipe_.training.temperature);
  }
  out.logits = at::cat(rows);
  return out;
}

Result<NamedValues> DferClipMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation());
  const torch::Tensor best = scored.logits.argmax(1);
  const auto* said = best.data_ptr<std::int64_t>();
  return class_figures(data_.train->classes.size(), scored.truth, {said, said + best.numel()});
}

Result<torch::Tensor> DferClipMethod::validation_logits() {
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation());
  return scored.logits;
}

std::string DferClipMethod::selects_by() const {
  return recipe_.training.select == "last" ? std::string() : recipe_.training.select;
}

}  // namespace mien::methods
