// Training of CLIPER.
#include "methods/cliper/train.h"

#include <ATen/ATen.h>
#include <torch/utils.h>

#include "loss/descriptors.h"
#include "loss/unit_rows.h"
#include "methods/kit/squeeze.h"

namespace mien::methods {

Status CliperMethod::prepare() {
  if (training_.prompts == "learned" && training_.stage1.epochs > 0) {
    plan_.push_back(Stage::kPrompts);
  }
  if (training_.stage2.epochs > 0) plan_.push_back(Stage::kTower);
  stage_ = plan_.front();
  MIEN_RETURN_IF_ERROR(load_labelled_data());
  MIEN_RETURN_IF_ERROR(load_towers());
  MIEN_RETURN_IF_ERROR(prepare_texts());
  set_batch(training_.batch);
  const bool random = reader().augment.any() || reader().view.any();
  if (!training_.cache || random || plan_.front() != Stage::kPrompts) return {};
  return cache_frames("cliper");
}

Status CliperMethod::prepare_texts() {
  const auto classes = static_cast<std::int64_t>(data_.train->classes.size());
  if (training_.prompts == "learned") {
    MIEN_ASSIGN_OR_RETURN(prompts_, PromptLearner::make(*towers_, training_.learned, classes));
    return {};
  }
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : bundle_labels({})) {
    MIEN_ASSIGN_OR_RETURN(rows.emplace_back(), towers_->unit_text(label.texts.front()));
  }
  written_ = at::stack(rows);
  return {};
}

SequenceReader CliperMethod::reader() const {
  SequenceReader out;
  out.preprocess = towers_->bundle().info().preprocess;
  if (training_.squeeze) squeeze(out.preprocess);
  out.sampling = {.rule = training_.sampling == "cliper" ? video::SamplingRule::kSegmentsOrFirst
                                                         : video::SamplingRule::kUniform,
                  .frames = training_.frames};
  if (stage_ == Stage::kPrompts ? training_.stage1.augment : training_.stage2.augment) {
    out.augment = training_.augment;
    out.view = training_.view;
  }
  return out;
}

const CliperStage& CliperMethod::stage_at(int stage) const {
  return plan_[static_cast<std::size_t>(stage)] == Stage::kPrompts ? training_.stage1
                                                                   : training_.stage2;
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
  return prompts_ && (stage_ == Stage::kPrompts || training_.joint);
}

std::int64_t CliperMethod::per_class() const { return prompts_ ? training_.learned.per_class : 1; }

std::vector<ParameterGroup> CliperMethod::begin_stage(int stage) {
  stage_ = plan_[static_cast<std::size_t>(stage)];
  descriptors_ = torch::Tensor();
  std::vector<ParameterGroup> out;
  ParameterGroup tower = image_group(trains_tower());
  if (trains_tower()) {
    tower_changed_ = true;
    out.push_back(std::move(tower));
  }
  if (prompts_) {
    torch::Tensor(prompts_->vectors()).requires_grad_(trains_prompts());
    if (trains_prompts()) {
      // Trained together with the tower, the descriptors keep the rate and decay of their own
      // stage.
      ParameterGroup group{.name = "prompts",
                           .parameters = {{"prompts", prompts_->vectors()}},
                           .weight_decay = training_.stage1.weight_decay};
      if (trains_tower() && training_.stage2.lr > 0) {
        group.lr_factor = training_.stage1.lr / training_.stage2.lr;
      }
      out.push_back(std::move(group));
    }
  }
  return out;
}

// A tower that never trains is loaded from the bundle again.
NamedTorchTensors CliperMethod::state() {
  NamedTorchTensors out;
  if (prompts_) out.emplace_back("prompts", prompts_->vectors());
  if (plan_.back() == Stage::kTower) {
    for (auto& item : towers_->image_tensors()) out.push_back(std::move(item));
  }
  return out;
}

data::View CliperMethod::epoch_view(Rng& rng) const {
  return training_.balance ? data::balanced(*data_.train, data_.train_view, rng) : data_.train_view;
}

Status CliperMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  image_count_ = text_count_ = 0;
  if (!trains_prompts()) {
    const at::NoGradGuard no_grad;
    descriptors_ = encode_descriptors();
  }
  return ClassifierMethod::begin_epoch(stage, epoch, first_step);
}

torch::Tensor CliperMethod::features(const Items& items) {
  if (!cached()) image_count_ += static_cast<std::int64_t>(items.size()) * training_.frames;
  return loss::unit_rows(frame_rows(items, !tower_changed_).to(torch::kFloat32).mean(1));
}

torch::Tensor CliperMethod::encode_descriptors() {
  if (written_.defined()) return written_;
  ++text_count_;
  return prompts_->encode(*towers_);
}

torch::Tensor CliperMethod::descriptors() {
  return trains_prompts() || !descriptors_.defined() ? encode_descriptors() : descriptors_;
}

Status CliperMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor labels = labels_of(*data_.train, items);
  const torch::Tensor scores =
      loss::descriptor_scores(features(items), descriptors(), per_class(), training_.temperature);
  if (training_.loss == "full") {
    const torch::Tensor margin = loss::descriptor_margin(scores, labels);
    const torch::Tensor fine = loss::descriptor_fine_grained(scores, labels);
    out.loss = margin + fine;
    out.values = {{"margin_loss", margin.item<double>()}, {"fine_loss", fine.item<double>()}};
  } else {
    out.loss = loss::descriptor_mean(scores, labels);
  }
  add_train_war(scores.detach().mean(2), labels, out);
  out.values.emplace_back("image_tower_pictures", static_cast<double>(image_count_));
  out.values.emplace_back("text_tower_runs", static_cast<double>(text_count_));
  return {};
}

Status CliperMethod::begin_scores() {
  scored_ = descriptors();
  return {};
}

torch::Tensor CliperMethod::score_items(const Items& items) {
  return loss::descriptor_scores(features(items), scored_, per_class(), training_.temperature)
      .mean(2);
}

}  // namespace mien::methods
