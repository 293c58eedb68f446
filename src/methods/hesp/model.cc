#include "methods/hesp/model.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cmath>
#include <map>

#include "loss/open_set.h"
#include "loss/unit_rows.h"
#include "text/tokenizer.h"

namespace mien::methods {
namespace {

torch::Tensor planes(const std::array<float, 3>& values) {
  return torch::tensor({values[0], values[1], values[2]}).view({3, 1, 1});
}

// A step of a fixed length against the gradient.
void normalised_step(const torch::Tensor& tensor, const torch::Tensor& direction, double length) {
  torch::Tensor(tensor).sub_(direction * (length / (direction.norm().item<double>() + 1e-10)));
}

}  // namespace

torch::Tensor HespLosses::total() const {
  torch::Tensor out = known;
  for (const torch::Tensor* part : {&clustering, &negative, &negative_text, &joint}) {
    if (part->defined()) out = out + *part;
  }
  return out;
}

Result<HespModel> HespModel::make(Towers& towers, const HespTraining& training,
                                  const std::vector<std::string>& names,
                                  const data::PlaneScale& scale, double logit_scale) {
  HespModel out(towers, training);
  out.side_ = towers.architecture().image_size();
  out.patch_size_ = training.patch;
  out.logit_scale_ = logit_scale;
  if (training.lengths == "matched") out.length_ = std::sqrt(logit_scale);
  if (training.visual_prompt && out.patch_size_ > out.side_) {
    return invalid_argument(fmt::format("hesp.patch: {} (expected at most the {} pixels of a side)",
                                        out.patch_size_, out.side_));
  }
  if (training.visual_prompt && !towers.has_first_map()) {
    return invalid_argument(
        "hesp.visual_prompt: the first layer of this image tower makes no map to place a patch by "
        "(expected false)");
  }
  out.mean_ = planes(scale.mean);
  out.std_ = planes(scale.std);
  MIEN_RETURN_IF_ERROR(out.prepare_texts(names));
  const auto count = static_cast<std::int64_t>(names.size());
  const std::int64_t side = out.side_;
  if (training.visual_prompt) {
    out.patch_ = torch::zeros({3, out.patch_size_, out.patch_size_});
    const at::NoGradGuard no_grad;
    const std::int64_t channels = towers.first_map(torch::zeros({1, 3, side, side})).size(1);
    const double bound = 1 / std::sqrt(static_cast<double>(channels));
    out.classifier_ = torch::empty({count, channels}).uniform_(-bound, bound);
  }
  if (training.negatives) {
    out.negatives_ = torch::randn({count, 3, side, side});
    out.radius_ = torch::zeros({1});
  }
  out.place_ = torch::full({2}, static_cast<float>(side / 2));
  return out;
}

Status HespModel::prepare_texts(const std::vector<std::string>& names) {
  std::vector<torch::Tensor> bare, negative;
  MIEN_ASSIGN_OR_RETURN(const auto filler, towers_->tokenizer().encode("X"));
  MIEN_CHECK(!filler.empty());
  for (const std::string& name : names) {
    MIEN_ASSIGN_OR_RETURN(bare.emplace_back(), towers_->unit_text(name));
    MIEN_ASSIGN_OR_RETURN(negative.emplace_back(),
                          towers_->unit_text(fmt::format("This video is not {}.", name)));
    std::vector<std::int32_t> ids(static_cast<std::size_t>(training_->contexts), filler.front());
    MIEN_ASSIGN_OR_RETURN(const auto own, towers_->tokenizer().encode(name + "."));
    ids.insert(ids.end(), own.begin(), own.end());
    const std::size_t length = ids.size();
    MIEN_ASSIGN_OR_RETURN(const auto framed,
                          towers_->framed(std::move(ids), fmt::format("{} learned tokens and '{}'",
                                                                      training_->contexts, name)));
    first_ = framed.size() > length ? 1 : 0;  // behind the start token
    ids_.emplace_back(framed.begin(), framed.end());
  }
  bare_ = at::stack(bare);
  negative_texts_ = at::stack(negative);
  if (training_->text_prompt) {
    contexts_ = torch::randn({static_cast<std::int64_t>(names.size()), training_->contexts,
                              towers_->token_width()}) *
                training_->init_std;
  }
  return {};
}

PromptPlace HespModel::place_for(const torch::Tensor& pixels) {
  const at::NoGradGuard no_grad;
  const torch::Tensor row =
      towers_->images(((pixels - mean_) / std_).unsqueeze(0).contiguous(), true);
  const auto best = at::matmul(loss::unit_rows(row), bare_.t()).argmax().item<std::int64_t>();
  const torch::Tensor map = towers_->first_map(pixels.unsqueeze(0)).squeeze(0);
  const torch::Tensor activation =
      (classifier_[best].view({-1, 1, 1}) * map).sum(0).to(torch::kFloat32).contiguous();
  return engine::expression_place(
      {activation.data_ptr<float>(), static_cast<std::size_t>(activation.numel())},
      activation.size(0), side_, patch_size_);
}

void HespModel::set_place(PromptPlace place) {
  const at::NoGradGuard no_grad;
  place_.copy_(torch::tensor({static_cast<float>(place.row), static_cast<float>(place.col)}));
}

PromptPlace HespModel::place() const {
  return {static_cast<std::int64_t>(place_[0].item<float>()),
          static_cast<std::int64_t>(place_[1].item<float>())};
}

torch::Tensor HespModel::prompted(const torch::Tensor& frames,
                                  const std::vector<PromptPlace>& places) const {
  torch::Tensor pixels = frames;
  if (patch_.defined()) {
    const std::int64_t half = patch_size_ / 2;
    const auto whole = [&](PromptPlace at) {
      const std::int64_t top = at.row - half, left = at.col - half;
      return at::constant_pad_nd(
          patch_, {left, side_ - left - patch_size_, top, side_ - top - patch_size_});
    };
    if (places.empty()) {
      pixels = pixels + whole(place());
    } else {
      std::vector<torch::Tensor> rows;
      for (const PromptPlace& at : places) rows.push_back(whole(at));
      pixels = pixels + at::stack(rows).unsqueeze(1);
    }
  }
  return ((pixels - mean_) / std_).flatten(0, 1);
}

torch::Tensor HespModel::features(const torch::Tensor& frames,
                                  const std::vector<PromptPlace>& places) {
  const bool frozen = !trains_image() || !at::GradMode::is_enabled();
  const torch::Tensor rows = towers_->images(prompted(frames, places).contiguous(), frozen);
  return scaled(rows.to(torch::kFloat32).view({frames.size(0), frames.size(1), -1}).mean(1));
}

torch::Tensor HespModel::texts() const {
  if (!contexts_.defined()) return bare_;
  std::map<std::size_t, std::vector<std::int64_t>> by_length;
  for (std::size_t c = 0; c < ids_.size(); ++c) {
    by_length[ids_[c].size()].push_back(static_cast<std::int64_t>(c));
  }
  std::vector<torch::Tensor> rows(ids_.size());
  for (const auto& [length, group] : by_length) {
    std::vector<torch::Tensor> vectors;
    for (const std::int64_t c : group) {
      const torch::Tensor all =
          towers_->token_vectors(torch::tensor(ids_[static_cast<std::size_t>(c)], torch::kInt64));
      const std::int64_t behind = first_ + contexts_.size(1);
      vectors.push_back(at::cat({all.narrow(0, 0, first_), contexts_[c].to(all.scalar_type()),
                                 all.narrow(0, behind, all.size(0) - behind)}));
    }
    const torch::Tensor encoded = towers_->texts_of(at::stack(vectors)).to(torch::kFloat32);
    for (std::size_t i = 0; i < group.size(); ++i) {
      rows[static_cast<std::size_t>(group[i])] = encoded[static_cast<std::int64_t>(i)];
    }
  }
  return loss::unit_rows(at::stack(rows));
}

torch::Tensor HespModel::points() {
  if (!negatives_.defined()) return {};
  return scaled(towers_->images(negatives_, !at::GradMode::is_enabled()).to(torch::kFloat32));
}

torch::Tensor HespModel::scaled(const torch::Tensor& rows) const {
  return length_ > 0 ? loss::unit_rows(rows) * length_ : rows;
}

OpenSetLogits HespModel::scores(const torch::Tensor& features, const torch::Tensor& texts,
                                const torch::Tensor& points) const {
  OpenSetLogits out;
  out.known = logit_scale_ * at::matmul(loss::unit_rows(features), texts.t());
  if (points.defined()) out.negative = loss::reciprocal_scores(features, points);
  return out;
}

HespLosses HespModel::losses(const torch::Tensor& features, const torch::Tensor& texts,
                             const torch::Tensor& points, const torch::Tensor& labels) const {
  const OpenSetLogits said = scores(features, texts, points);
  HespLosses out;
  out.known = at::cross_entropy_loss(said.known, labels);
  if (training_->clustering) out.clustering = loss::hesp_contrastive(features, labels);
  if (!points.defined()) return out;
  out.negative =
      at::cross_entropy_loss(said.negative, labels) +
      training_->margin_weight * loss::reciprocal_margin(features, points, labels, radius_);
  out.negative_text = at::cross_entropy_loss(
      logit_scale_ * at::matmul(loss::unit_rows(points), negative_texts_.t()),
      at::arange(points.size(0), torch::kInt64));
  if (training_->joint) out.joint = at::cross_entropy_loss(said.joint(), labels);
  return out;
}

void HespModel::update() {
  const at::NoGradGuard no_grad;
  if (negatives_.defined() && negatives_.grad().defined()) {
    normalised_step(negatives_, negatives_.grad().mean(0), training_->step);
  }
  if (patch_.defined() && patch_.grad().defined()) {
    normalised_step(patch_, patch_.grad(), training_->step);
    patch_.mutable_grad().zero_();
  }
  // As released the gradients of all prompts but the negatives are gone before the optimiser steps.
  if (contexts_.defined() && contexts_.grad().defined() && !training_->train_text_ctx) {
    contexts_.mutable_grad().zero_();
  }
}

std::vector<ParameterGroup> HespModel::parameters() {
  std::vector<ParameterGroup> out;
  const auto train = [](const torch::Tensor& tensor) {
    torch::Tensor(tensor).requires_grad_(true);
    return tensor;
  };
  if (contexts_.defined()) {
    out.push_back({.name = "contexts", .parameters = {{"contexts", train(contexts_)}}});
  }
  if (negatives_.defined()) {
    out.push_back({.name = "negatives",
                   .parameters = {{"negatives", train(negatives_)}, {"radius", train(radius_)}}});
  }
  if (patch_.defined()) {
    out.push_back({.name = "patch",
                   .parameters = {{"patch", train(patch_)}},
                   .lr_factor = 0,
                   .weight_decay = 0});
  }
  return out;
}

NamedTorchTensors HespModel::state() const {
  NamedTorchTensors out;
  for (const auto& [name, tensor] : {std::pair{"contexts", contexts_},
                                     {"patch", patch_},
                                     {"negatives", negatives_},
                                     {"radius", radius_},
                                     {"place", place_},
                                     {"classifier", classifier_}}) {
    if (tensor.defined()) out.emplace_back(name, tensor);
  }
  return out;
}

}  // namespace mien::methods
