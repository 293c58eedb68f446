// Training of CLIPER.
#include "methods/cliper/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "methods/kit/below_data.h"
#include "methods/kit/epoch_order.h"
#include "methods/kit/figures.h"
#include "methods/kit/labelled.h"
#include "mien/loss/descriptors.h"
#include "mien/loss/unit_rows.h"

namespace mien::methods {
namespace {

constexpr std::size_t kCliperValidationBatch = 32;

}  // namespace

Result<std::unique_ptr<Method>> CliperMethod::make(const CliperRecipe& recipe,
                                                   const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(recipe.training.validate());
  std::unique_ptr<CliperMethod> out(new CliperMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status CliperMethod::prepare() {
  const CliperTraining& training = recipe_.training;
  if (training.prompts == "learned" && training.stage1.epochs > 0) plan_.push_back(Stage::kPrompts);
  if (training.stage2.epochs > 0) plan_.push_back(Stage::kTower);
  stage_ = plan_.front();
  MIEN_RETURN_IF_ERROR(prepare_data());
  const std::filesystem::path init = below_data(context_.data, training.init);
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(init));
  torch::manual_seed(context_.seed);
  MIEN_RETURN_IF_ERROR(prepare_texts());
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

Status CliperMethod::prepare_data() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  return keep_labelled(data_);
}

Status CliperMethod::prepare_texts() {
  const CliperTraining& training = recipe_.training;
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  for (const auto& item : towers_->text_tensors()) torch::Tensor(item.second).requires_grad_(false);
  if (training.prompts == "learned") {
    MIEN_ASSIGN_OR_RETURN(prompts_, PromptLearner::make(*towers_, training.learned, classes));
    return {};
  }
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : bundle_labels({})) {
    MIEN_ASSIGN_OR_RETURN(rows.emplace_back(), towers_->unit_text(label.texts.front()));
  }
  written_ = at::stack(rows);
  return {};
}

ClipReader CliperMethod::reader() const {
  const CliperTraining& training = recipe_.training;
  ClipReader out;
  out.preprocess = towers_->bundle().info().preprocess;
  if (training.squeeze) {
    using Kind = image::PreprocessStep::Kind;
    std::erase_if(out.preprocess.steps,
                  [](const auto& step) { return step.kind == Kind::kCenterCrop; });
    for (auto& step : out.preprocess.steps) {
      if (step.kind == Kind::kResizeShorter) step.kind = Kind::kResizeExact;
    }
  }
  out.sampling = {.rule = training.sampling == "cliper" ? video::SamplingRule::kCliper
                                                        : video::SamplingRule::kUniform,
                  .frames = training.frames};
  if (stage_ == Stage::kPrompts ? training.stage1.augment : training.stage2.augment) {
    out.augment = training.augment;
    out.view = training.view;
  }
  return out;
}

Status CliperMethod::prepare_cache() {
  const CliperTraining& training = recipe_.training;
  const bool random = reader().augment.any() || reader().view.any();
  if (!training.cache || random || plan_.front() != Stage::kPrompts) return {};
  FrameCacheOptions options;
  options.key = "cliper " + training.init;
  options.threads = recipe_.data.threads;
  options.width = towers_->architecture().embed;
  options.tower = towers_->image_tensors();
  options.encode = [this](const torch::Tensor& pixels) { return towers_->images(pixels, true); };
  return open_caches(data_, reader(), options, context_, train_rows_, val_rows_);
}

const CliperStage& CliperMethod::stage_at(int stage) const {
  return plan_[static_cast<std::size_t>(stage)] == Stage::kPrompts ? recipe_.training.stage1
                                                                   : recipe_.training.stage2;
}

StageSettings CliperMethod::settings(int stage) const {
  const CliperStage& own = stage_at(stage);
  return {.lr = own.lr,
          .weight_decay = own.weight_decay,
          .eps = own.eps,
          .schedule = own.schedule,
          .restart_epochs = own.restart_epochs};
}

bool CliperMethod::trains_prompts() const {
  return prompts_ && (stage_ == Stage::kPrompts || recipe_.training.joint);
}

std::int64_t CliperMethod::per_class() const {
  return prompts_ ? recipe_.training.learned.per_class : 1;
}

std::vector<ParameterGroup> CliperMethod::begin_stage(int stage) {
  stage_ = plan_[static_cast<std::size_t>(stage)];
  descriptors_ = torch::Tensor();
  std::vector<ParameterGroup> out;
  ParameterGroup tower{.name = "image", .parameters = {}};
  for (const auto& [name, tensor] : towers_->image_tensors()) {
    const bool statistic = name.ends_with("running_mean") || name.ends_with("running_var");
    torch::Tensor(tensor).requires_grad_(trains_tower() && !statistic);
    if (trains_tower() && !statistic) tower.parameters.emplace_back(name, tensor);
  }
  if (trains_tower()) {
    tower_changed_ = true;
    out.push_back(std::move(tower));
  }
  if (prompts_) {
    torch::Tensor(prompts_->vectors()).requires_grad_(trains_prompts());
    if (trains_prompts()) {
      // Together with the tower the descriptors keep the rate and decay of their own stage.
      const CliperTraining& training = recipe_.training;
      ParameterGroup group{.name = "prompts",
                           .parameters = {{"prompts", prompts_->vectors()}},
                           .weight_decay = training.stage1.weight_decay};
      if (trains_tower() && training.stage2.lr > 0) {
        group.lr_factor = training.stage1.lr / training.stage2.lr;
      }
      out.push_back(std::move(group));
    }
  }
  return out;
}

// A tower that never trains comes from the bundle again.
NamedTorchTensors CliperMethod::state() {
  NamedTorchTensors out;
  if (prompts_) out.emplace_back("prompts", prompts_->vectors());
  if (plan_.back() == Stage::kTower) {
    for (auto& item : towers_->image_tensors()) out.push_back(std::move(item));
  }
  return out;
}

std::int64_t CliperMethod::steps_per_epoch(int) const {
  return epoch_size(data_, recipe_.training.balance) /
         (std::int64_t{recipe_.training.batch} * context_.processes.world);
}

Status CliperMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_, recipe_.training.balance, context_.seed, stage, epoch);
  image_count_ = text_count_ = 0;
  if (!trains_prompts()) {
    const at::NoGradGuard no_grad;
    descriptors_ = encode_descriptors();
  }
  loader_->start(std::move(order.view), order.seed, first_step * recipe_.training.batch);
  return {};
}

Result<ClipItem> CliperMethod::make_item(bool training, std::int64_t place, Rng& rng) const {
  const FrameCache none;
  return read_item(training ? *data_.train : *data_.val, place, reader(),
                   training ? video::SamplingPhase::kTrain : video::SamplingPhase::kTest,
                   !cached()  ? none
                   : training ? train_rows_
                              : val_rows_,
                   rng);
}

torch::Tensor CliperMethod::features(const std::vector<ClipItem>& items) {
  const auto count = static_cast<std::int64_t>(items.size());
  const std::int64_t frames = recipe_.training.frames;
  if (cached()) {
    return loss::unit_rows(
        stack_items(items, {count, frames, towers_->architecture().embed}).mean(1));
  }
  const std::int64_t side = towers_->architecture().image.image_size;
  image_count_ += count * frames;
  const torch::Tensor rows =
      towers_->images(stack_items(items, {count * frames, 3, side, side}), !tower_changed_);
  return loss::unit_rows(rows.to(torch::kFloat32).view({count, frames, -1}).mean(1));
}

torch::Tensor CliperMethod::encode_descriptors() {
  if (written_.defined()) return written_;
  ++text_count_;
  return prompts_->encode(*towers_);
}

torch::Tensor CliperMethod::descriptors() {
  return trains_prompts() || !descriptors_.defined() ? encode_descriptors() : descriptors_;
}

Result<StepOutput> CliperMethod::step() {
  std::vector<ClipItem> items;
  StepOutput out;
  for (int i = 0; i < recipe_.training.batch; ++i) {
    MIEN_ASSIGN_OR_RETURN(ClipItem item, loader_->next());
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(item.place)].id);
    items.push_back(std::move(item));
  }
  out.samples = recipe_.training.batch;
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor scores = loss::descriptor_scores(features(items), descriptors(), per_class(),
                                                       recipe_.training.temperature);
  if (recipe_.training.loss == "full") {
    const torch::Tensor margin = loss::descriptor_margin(scores, labels);
    const torch::Tensor fine = loss::descriptor_fine_grained(scores, labels);
    out.loss = margin + fine;
    out.values = {{"margin_loss", margin.item<double>()}, {"fine_loss", fine.item<double>()}};
  } else {
    out.loss = loss::descriptor_mean(scores, labels);
  }
  const torch::Tensor right = scores.detach().mean(2).argmax(1).eq(labels);
  out.values.emplace_back("train_war", 100 * right.to(torch::kFloat64).mean().item<double>());
  out.values.emplace_back("image_tower_pictures", static_cast<double>(image_count_));
  out.values.emplace_back("text_tower_runs", static_cast<double>(text_count_));
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

Result<CliperMethod::Scored> CliperMethod::score_validation(const torch::Tensor& descriptors) {
  data::Loader<ClipItem> loader(
      [this](std::int64_t place, Rng& rng) { return make_item(false, place, rng); },
      {.threads = recipe_.data.threads, .ahead = 64, .max_bad_share = recipe_.data.max_bad_share});
  loader.start(data_.val_view, 0);
  Scored out;
  std::vector<torch::Tensor> rows;
  while (loader.remaining() > 0) {
    const auto total = static_cast<std::int64_t>(data_.val_view.size());
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<ClipItem> items;
    while (loader.remaining() > 0 && items.size() < kCliperValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
      const auto place = static_cast<std::size_t>(items.back().place);
      out.truth.push_back(data_.val->samples[place].labels.front());
    }
    rows.push_back(loss::descriptor_scores(features(items), descriptors, per_class(),
                                           recipe_.training.temperature)
                       .mean(2));
  }
  out.means = at::cat(rows);
  return out;
}

Result<NamedValues> CliperMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const Scored scored, score_validation(descriptors()));
  const torch::Tensor best = scored.means.argmax(1);
  const auto* said = best.data_ptr<std::int64_t>();
  return class_figures(data_.train->classes.size(), scored.truth, {said, said + best.numel()});
}

std::string CliperMethod::selects_by() const {
  return recipe_.training.select == "last" ? std::string() : recipe_.training.select;
}

}  // namespace mien::methods
