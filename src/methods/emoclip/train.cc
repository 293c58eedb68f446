#include "methods/emoclip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "methods/kit/class_texts.h"
#include "methods/kit/epoch_order.h"
#include "methods/kit/figures.h"
#include "mien/loss/cross_entropy.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::size_t kEmoclipValidationBatch = 32;
constexpr std::int64_t kClassTextBatch = 64;

Status check(const EmoclipRecipe& recipe) {
  const EmoclipTraining& training = recipe.training;
  const bool regression = training.objective == "regression";
  if (regression && recipe.data.targets.empty()) {
    return invalid_argument("data.targets: is empty (expected the columns to predict)");
  }
  if (training.batch % training.local_chunks != 0) {
    return invalid_argument(fmt::format("emoclip.local_chunks: {} does not divide the batch of {}",
                                        training.local_chunks, training.batch));
  }
  if (training.objective == "classes" && training.texts != "classes") {
    return invalid_argument("emoclip.texts: 'captions' (objective classes expects 'classes')");
  }
  if (training.positives == "same_text" && training.negatives != "local") {
    return invalid_argument("emoclip.positives: same_text goes with negatives: local only");
  }
  return {};
}

// Results depend on the wording, so a run tells it.
std::string told_texts(const EmoclipTraining& training, const text::LabelSet& labels) {
  std::string out = fmt::format(
      "class texts: {}{}",
      training.class_texts.empty()
          ? std::string("mien's own, not the authors' sentences (emoclip.class_texts takes a file)")
          : training.class_texts,
      training.texts == "captions" ? "; training samples have captions of their own" : "");
  for (const text::Label& label : labels.labels) {
    for (const std::string& text : label.texts) out += fmt::format("\n  {}: {}", label.name, text);
  }
  return out;
}

text::Label class_label(const std::string& name) {
  text::Label out{.name = name, .texts = {}, .parts = {}};
  out.texts = text::describe(name);
  return out;
}

}  // namespace

Result<std::unique_ptr<Method>> EmoclipMethod::make(const EmoclipRecipe& recipe,
                                                    const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(check(recipe));
  std::unique_ptr<EmoclipMethod> out(new EmoclipMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status EmoclipMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  EmoclipOptions model = recipe_.model;
  if (!model.init.empty() && std::filesystem::path(model.init).is_relative() &&
      !std::filesystem::exists(model.init)) {
    model.init = (context_.data / model.init).string();
  }
  if (model.tower.vocabulary != "tiny" && !std::filesystem::exists(model.tower.vocabulary)) {
    model.tower.vocabulary = (context_.data / model.tower.vocabulary).string();
  }
  recipe_.model = model;
  MIEN_ASSIGN_OR_RETURN(model_, make_emoclip_model(model, context_.seed));
  if (model_.temporal_given == false) {
    log_to(context_.log, LogLevel::kWarning,
           model.init +
               ": its temporal model has other sizes than this recipe's, which starts from "
               "random weights");
  }
  MIEN_RETURN_IF_ERROR(prepare_head());
  if (!regresses()) MIEN_RETURN_IF_ERROR(prepare_texts());
  MIEN_RETURN_IF_ERROR(prepare_cache());
  loader_ = std::make_unique<data::Loader<Clip>>(
      [this](std::int64_t place, Rng& rng) { return make_clip(true, place, rng); },
      data::LoaderOptions{.threads = recipe_.data.threads,
                          .ahead = 3 * recipe_.training.batch,
                          .max_bad_share = recipe_.data.max_bad_share,
                          .batch = recipe_.training.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
  return {};
}

// Samples without a caption do not train.
Status EmoclipMethod::prepare_captions() {
  captions_.assign(data_.train->samples.size(), -1);
  const std::size_t before = data_.train_view.size();
  std::erase_if(data_.train_view, [&](std::int64_t place) {
    return data_.train->samples[static_cast<std::size_t>(place)].caption.empty();
  });
  if (data_.train_view.empty()) {
    return invalid_argument(data_.train->name +
                            ": no training sample has a caption (expected a column 'caption', "
                            "data.captions, or emoclip.texts: classes)");
  }
  if (data_.train_view.size() < before) {
    log_to(context_.log, LogLevel::kWarning,
           fmt::format("{}: {} of {} training samples have no caption and are left out",
                       data_.train->name, before - data_.train_view.size(), before));
  }
  for (const std::int64_t place : data_.train_view) {
    const auto index = static_cast<std::size_t>(place);
    MIEN_ASSIGN_OR_RETURN(captions_[index], bank_->add(data_.train->samples[index].caption));
  }
  return {};
}

Status EmoclipMethod::prepare_texts() {
  bank_.emplace(model_.tokenizer, model_.architecture.text->context);
  if (recipe_.training.class_texts.empty()) {
    labels_.name = data_.train->name;
    for (const std::string& name : data_.train->classes)
      labels_.labels.push_back(class_label(name));
  } else {
    MIEN_ASSIGN_OR_RETURN(
        labels_, class_texts(recipe_.training.class_texts, context_.data, data_.train->classes));
  }
  for (text::Label& label : labels_.labels) {
    if (!recipe_.training.all_texts && label.texts.size() > 1) label.texts.resize(1);
    std::vector<std::int64_t>& places = class_texts_.emplace_back();
    for (const std::string& text : label.texts) {
      MIEN_ASSIGN_OR_RETURN(places.emplace_back(), bank_->add(text));
    }
  }
  log_to(context_.log, LogLevel::kInfo, told_texts(recipe_.training, labels_));
  if (recipe_.training.texts == "captions") {
    MIEN_RETURN_IF_ERROR(prepare_captions());
  } else {
    std::erase_if(data_.train_view, [&](std::int64_t place) {
      return data_.train->samples[static_cast<std::size_t>(place)].labels.empty();
    });
  }
  // Samples of several classes have no single right answer.
  std::erase_if(data_.val_view, [&](std::int64_t place) {
    return data_.val->samples[static_cast<std::size_t>(place)].labels.size() != 1;
  });
  if (!model_.trains_text) {
    const at::NoGradGuard no_grad;
    std::vector<torch::Tensor> rows;
    for (std::int64_t first = 0; first < bank_->size(); first += kClassTextBatch) {
      std::vector<std::int64_t> places;
      for (std::int64_t i = first; i < std::min(bank_->size(), first + kClassTextBatch); ++i) {
        places.push_back(i);
      }
      rows.push_back(model_.texts(bank_->tokens(places)));
      if (context_.progress) context_.progress("texts", first, bank_->size());
    }
    frozen_texts_ = at::cat(rows);
  }
  return {};
}

Result<std::int64_t> EmoclipMethod::choose_text(const data::Sample& sample, std::int64_t place,
                                                Rng& rng) const {
  if (!captions_.empty()) return captions_[static_cast<std::size_t>(place)];
  if (sample.labels.empty()) return -1;
  const auto label = sample.labels[static_cast<std::size_t>(rng.below(sample.labels.size()))];
  const auto& texts = class_texts_[static_cast<std::size_t>(label)];
  return texts[static_cast<std::size_t>(rng.below(texts.size()))];
}

std::vector<ParameterGroup> EmoclipMethod::begin_stage(int) {
  std::vector<ParameterGroup> out = model_.groups(recipe_.model);
  if (!regresses()) return out;
  // The text tower and the factor of the cosines have no part in a regression.
  for (ParameterGroup& group : out) {
    std::erase_if(group.parameters, [](const auto& item) {
      const bool unused = item.first == "logit_scale" || !(item.first.starts_with("temporal.") ||
                                                           item.first.starts_with("visual."));
      if (unused) item.second.set_requires_grad(false);
      return unused;
    });
  }
  for (const auto& [name, tensor] : head_) tensor.set_requires_grad(true);
  out.front().parameters.insert(out.front().parameters.end(), head_.begin(), head_.end());
  return out;
}

// Frozen towers come from the bundle again.
NamedTorchTensors EmoclipMethod::state() {
  NamedTorchTensors out;
  const bool from_bundle = !recipe_.model.init.empty();
  for (const auto& [name, tensor] : model_.named()) {
    const bool visual = name.starts_with("visual.");
    const bool own = name.starts_with("temporal.") || name == "logit_scale";
    const bool frozen = !own && !(visual ? model_.trains_visual : model_.trains_text);
    if (!(from_bundle && frozen)) out.emplace_back(name, tensor);
  }
  out.insert(out.end(), head_.begin(), head_.end());
  return out;
}

std::int64_t EmoclipMethod::steps_per_epoch(int) const {
  return epoch_size(data_, recipe_.training.balance) /
         (std::int64_t{recipe_.training.batch} * context_.processes.world);
}

Status EmoclipMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_, recipe_.training.balance, context_.seed, stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * recipe_.training.batch);
  return {};
}

torch::Tensor EmoclipMethod::frames_of(const std::vector<Clip>& clips) {
  const auto count = static_cast<std::int64_t>(clips.size());
  const std::int64_t frames = recipe_.training.frames;
  const std::int64_t side = model_.architecture.image.image_size;
  torch::Tensor out = cached() ? torch::empty({count, frames, model_.architecture.embed})
                               : torch::empty({count, frames, 3, side, side});
  auto* to = out.data_ptr<float>();
  for (const Clip& clip : clips) {
    std::memcpy(to, clip.values.data(), 4 * clip.values.size());
    to += clip.values.size();
  }
  return cached() ? out : model_.frames(out);
}

torch::Tensor EmoclipMethod::text_rows(const std::vector<std::int64_t>& places) {
  if (frozen_texts_.defined()) {
    return frozen_texts_.index_select(0, torch::tensor(places, torch::kInt64));
  }
  // Equal texts of a batch go through the tower once.
  std::map<std::int64_t, std::int64_t> row_of;
  std::vector<std::int64_t> different, rows;
  for (const std::int64_t place : places) {
    const auto [it, added] = row_of.emplace(place, static_cast<std::int64_t>(different.size()));
    if (added) different.push_back(place);
    rows.push_back(it->second);
  }
  return model_.texts(bank_->tokens(different)).index_select(0, torch::tensor(rows, torch::kInt64));
}

torch::Tensor EmoclipMethod::class_rows() {
  std::vector<std::int64_t> all;
  for (const auto& texts : class_texts_) all.insert(all.end(), texts.begin(), texts.end());
  const torch::Tensor rows = text_rows(all);
  std::vector<torch::Tensor> means;
  std::int64_t at = 0;
  for (const auto& texts : class_texts_) {
    const auto count = static_cast<std::int64_t>(texts.size());
    means.push_back(rows.narrow(0, at, count).mean(0));
    at += count;
  }
  const torch::Tensor out = at::stack(means);
  return out / out.norm(2, -1, true).clamp_min(1e-12);
}

torch::Tensor EmoclipMethod::contrastive_loss(const torch::Tensor& videos,
                                              const std::vector<Clip>& clips) {
  std::vector<std::int64_t> places;
  for (const Clip& clip : clips) places.push_back(clip.text);
  const torch::Tensor texts = text_rows(places);
  const torch::Tensor factor = model_.tau.exp();
  if (recipe_.training.negatives == "gathered") {
    return loss::gathered_contrastive(videos, texts, factor, context_.processes);
  }
  if (recipe_.training.positives == "same_text") {
    const torch::Tensor ids = torch::tensor(places, torch::kInt64);
    const torch::Tensor same = ids.unsqueeze(0).eq(ids.unsqueeze(1)).to(torch::kFloat32);
    return loss::symmetric_contrastive_soft(videos, texts, factor, same / same.sum(1, true));
  }
  return loss::chunked_contrastive(videos, texts, factor, recipe_.training.local_chunks);
}

torch::Tensor EmoclipMethod::class_loss(const torch::Tensor& videos,
                                        const std::vector<Clip>& clips) {
  const torch::Tensor logits = model_.tau.exp() * at::matmul(videos, class_rows().t());
  const auto classes = static_cast<std::int64_t>(class_texts_.size());
  torch::Tensor targets = torch::zeros({static_cast<std::int64_t>(clips.size()), classes});
  auto* row = targets.data_ptr<float>();
  for (const Clip& clip : clips) {
    const auto& soft = data_.train->samples[static_cast<std::size_t>(clip.place)].soft;
    if (recipe_.training.soft_targets && !soft.empty()) {
      std::copy(soft.begin(), soft.end(), row);
    } else {
      row[clip.label] = 1;
    }
    row += classes;
  }
  const double s = recipe_.training.smoothing;
  return loss::soft_cross_entropy(logits, targets * (1 - s) + s / static_cast<double>(classes));
}

Result<StepOutput> EmoclipMethod::step() {
  std::vector<Clip> clips;
  StepOutput out;
  for (int i = 0; i < recipe_.training.batch; ++i) {
    MIEN_ASSIGN_OR_RETURN(Clip clip, loader_->next());
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(clip.place)].id);
    clips.push_back(std::move(clip));
  }
  out.samples = recipe_.training.batch;
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  const torch::Tensor frames = frames_of(clips);
  if (regresses()) {
    out.loss = (predict_targets(frames) - targets_of(*data_.train, clips)).square().mean();
    return out;
  }
  const torch::Tensor videos = model_.clips(frames);
  out.loss = recipe_.training.objective == "classes" ? class_loss(videos, clips)
                                                     : contrastive_loss(videos, clips);
  out.values.emplace_back("factor", model_.tau.exp().item<double>());
  return out;
}

Result<NamedValues> EmoclipMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  data::Loader<Clip> loader(
      [this](std::int64_t place, Rng& rng) { return make_clip(false, place, rng); },
      {.threads = recipe_.data.threads, .ahead = 64, .max_bad_share = recipe_.data.max_bad_share});
  loader.start(data_.val_view, 0);
  const torch::Tensor classes = regresses() ? torch::Tensor() : class_rows();
  std::vector<std::int64_t> truth, said;
  std::vector<torch::Tensor> predicted, targets;
  std::vector<std::int64_t> places;
  while (loader.remaining() > 0) {
    const auto total = static_cast<std::int64_t>(data_.val_view.size());
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<Clip> clips;
    while (loader.remaining() > 0 && clips.size() < kEmoclipValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(clips.emplace_back(), loader.next());
    }
    const torch::Tensor frames = frames_of(clips);
    if (regresses()) {
      predicted.push_back(predict_targets(frames));
      targets.push_back(targets_of(*data_.val, clips));
      for (const Clip& clip : clips) places.push_back(clip.place);
      continue;
    }
    const torch::Tensor best = at::matmul(model_.clips(frames), classes.t()).argmax(1);
    for (std::size_t i = 0; i < clips.size(); ++i) {
      truth.push_back(clips[i].label);
      said.push_back(best[static_cast<std::int64_t>(i)].item<std::int64_t>());
    }
  }
  if (regresses()) {
    return target_figures(averaged(at::cat(targets), places), averaged(at::cat(predicted), places));
  }
  return class_figures(class_texts_.size(), truth, said);
}

std::string EmoclipMethod::selects_by() const { return regresses() ? "ccc" : "war"; }

}  // namespace mien::methods
