#include "methods/emoclip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "loss/cross_entropy.h"
#include "loss/unit_rows.h"
#include "methods/kit/below_data.h"
#include "methods/kit/class_texts.h"
#include "methods/kit/figures.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr int kEmoclipValidationBatch = 32;
constexpr std::int64_t kClassTextBatch = 64;

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

Status EmoclipMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(data_options_, context_.data, context_.seed));
  options_.init = below_data(context_.data, options_.init).string();
  std::string& vocabulary = options_.tower.vocabulary;
  if (vocabulary != "tiny") vocabulary = below_data(context_.data, vocabulary).string();
  MIEN_ASSIGN_OR_RETURN(model_, make_emoclip_model(options_, context_.seed, context_.log));
  MIEN_RETURN_IF_ERROR(prepare_head());
  if (!regresses()) MIEN_RETURN_IF_ERROR(prepare_texts());
  set_batch(training_.batch, 3);
  return prepare_cache();
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
  bank_.emplace(model_.tokenizer, context_of(*model_.architecture.text));
  if (training_.class_texts.empty()) {
    labels_.name = data_.train->name;
    for (const std::string& name : data_.train->classes)
      labels_.labels.push_back(class_label(name));
  } else {
    MIEN_ASSIGN_OR_RETURN(labels_,
                          class_texts(training_.class_texts, context_.data, data_.train->classes));
  }
  for (text::Label& label : labels_.labels) {
    if (!training_.all_texts && label.texts.size() > 1) label.texts.resize(1);
    std::vector<std::int64_t>& places = class_texts_.emplace_back();
    for (const std::string& text : label.texts) {
      MIEN_ASSIGN_OR_RETURN(places.emplace_back(), bank_->add(text));
    }
  }
  log_to(context_.log, LogLevel::kInfo, told_texts(training_, labels_));
  if (training_.texts == "captions") {
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
  std::vector<ParameterGroup> out = model_.groups(options_);
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
  const bool from_bundle = !options_.init.empty();
  for (const auto& [name, tensor] : model_.named()) {
    const bool visual = name.starts_with("visual.");
    const bool own = name.starts_with("temporal.") || name == "logit_scale";
    const bool frozen = !own && !(visual ? model_.trains_visual : model_.trains_text);
    if (!(from_bundle && frozen)) out.emplace_back(name, tensor);
  }
  out.insert(out.end(), head_.begin(), head_.end());
  return out;
}

data::View EmoclipMethod::epoch_view(Rng& rng) const {
  return training_.balance ? data::balanced(*data_.train, data_.train_view, rng) : data_.train_view;
}

torch::Tensor EmoclipMethod::frames_of(const Items& clips) {
  const auto count = static_cast<std::int64_t>(clips.size());
  const std::int64_t side = model_.architecture.image_size();
  if (cached()) {
    return stack_items(clips, {count, training_.frames, model_.architecture.embed});
  }
  return model_.frames(stack_items(clips, {count, training_.frames, 3, side, side}));
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

torch::Tensor EmoclipMethod::class_text_rows() {
  std::vector<std::int64_t> all;
  for (const auto& texts : class_texts_) all.insert(all.end(), texts.begin(), texts.end());
  return text_rows(all);
}

torch::Tensor EmoclipMethod::class_rows() {
  const torch::Tensor rows = class_text_rows();
  std::vector<torch::Tensor> means;
  std::int64_t at = 0;
  for (const auto& texts : class_texts_) {
    const auto count = static_cast<std::int64_t>(texts.size());
    means.push_back(rows.narrow(0, at, count).mean(0));
    at += count;
  }
  return loss::unit_rows(at::stack(means));
}

torch::Tensor EmoclipMethod::contrastive_loss(const torch::Tensor& videos, const Items& clips) {
  std::vector<std::int64_t> places;
  for (const ClipItem& clip : clips) places.push_back(clip.text);
  const torch::Tensor texts = text_rows(places);
  const torch::Tensor factor = model_.tau.exp();
  if (training_.negatives == "gathered") {
    return loss::gathered_contrastive(videos, texts, factor, context_.processes);
  }
  if (training_.positives == "same_text") {
    const torch::Tensor ids = torch::tensor(places, torch::kInt64);
    const torch::Tensor same = ids.unsqueeze(0).eq(ids.unsqueeze(1)).to(torch::kFloat32);
    return loss::symmetric_contrastive_soft(videos, texts, factor, same / same.sum(1, true));
  }
  return loss::chunked_contrastive(videos, texts, factor, training_.local_chunks);
}

torch::Tensor EmoclipMethod::class_loss(const torch::Tensor& videos, const Items& clips) {
  const torch::Tensor logits = model_.tau.exp() * at::matmul(videos, class_rows().t());
  const auto classes = static_cast<std::int64_t>(class_texts_.size());
  torch::Tensor targets = torch::zeros({static_cast<std::int64_t>(clips.size()), classes});
  auto* row = targets.data_ptr<float>();
  for (const ClipItem& clip : clips) {
    const data::Sample& sample = data_.train->samples[static_cast<std::size_t>(clip.place)];
    if (training_.soft_targets && !sample.soft.empty()) {
      std::copy(sample.soft.begin(), sample.soft.end(), row);
    } else {
      row[sample.labels.front()] = 1;
    }
    row += classes;
  }
  const double s = training_.smoothing;
  return loss::soft_cross_entropy(logits, targets * (1 - s) + s / static_cast<double>(classes));
}

Status EmoclipMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor frames = frames_of(items);
  if (regresses()) {
    out.loss = (predict_targets(frames) - targets_of(*data_.train, items)).square().mean();
    return {};
  }
  const torch::Tensor videos = model_.clips(frames);
  out.loss = training_.objective == "classes" ? class_loss(videos, items)
                                              : contrastive_loss(videos, items);
  out.values.emplace_back("factor", model_.tau.exp().item<double>());
  return {};
}

Result<NamedValues> EmoclipMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  return regresses() ? validate_targets() : validate_classes();
}

Result<NamedValues> EmoclipMethod::validate_classes() {
  const torch::Tensor classes = class_rows();
  std::vector<std::int64_t> truth, said;
  MIEN_RETURN_IF_ERROR(read_validation(kEmoclipValidationBatch, [&](const Items& clips) -> Status {
    const torch::Tensor best =
        at::matmul(model_.clips(frames_of(clips)), classes.t()).argmax(1).contiguous();
    const auto* places = best.data_ptr<std::int64_t>();
    said.insert(said.end(), places, places + best.numel());
    for (const ClipItem& clip : clips) {
      const auto place = static_cast<std::size_t>(clip.place);
      truth.push_back(data_.val->samples[place].labels.front());
    }
    return {};
  }));
  return class_figures(class_texts_.size(), truth, said);
}

Result<NamedValues> EmoclipMethod::validate_targets() {
  std::vector<torch::Tensor> predicted, targets;
  std::vector<std::int64_t> places;
  MIEN_RETURN_IF_ERROR(read_validation(kEmoclipValidationBatch, [&](const Items& clips) -> Status {
    predicted.push_back(predict_targets(frames_of(clips)));
    targets.push_back(targets_of(*data_.val, clips));
    for (const ClipItem& clip : clips) places.push_back(clip.place);
    return {};
  }));
  return target_figures(averaged(at::cat(targets), places), averaged(at::cat(predicted), places));
}

}  // namespace mien::methods
