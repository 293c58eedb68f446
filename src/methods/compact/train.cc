// Training of the compact model.
#include "methods/compact/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "loss/unit_rows.h"
#include "methods/kit/epoch_seed.h"
#include "methods/kit/named_tensors.h"
#include "mien/loss/contrastive.h"
#include "mien/metrics/confusion.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kCompactTextBatch = 256;
constexpr double kLikeVotes = 0.95;  // cosine of two votes that mean the same expression

double top_share(const torch::Tensor& similarity, std::int64_t k) {
  const std::int64_t count = similarity.size(0);
  const torch::Tensor best = std::get<1>(similarity.topk(std::min(k, count), 1));
  const torch::Tensor own = torch::arange(count).unsqueeze(1);
  return 100.0 * best.eq(own).any(1).to(torch::kFloat32).mean().item<double>();
}

}  // namespace

torch::Tensor CompactMethod::encode_ids(const torch::Tensor& ids) {
  return loss::unit_rows(words_->forward(ids).to(torch::kFloat32));
}

torch::Tensor CompactMethod::encode(const std::vector<std::string>& texts) {
  std::vector<std::vector<std::int32_t>> rows;
  for (const std::string& text : texts) {
    auto ids = tokenizer_->encode(text);
    rows.push_back(ids.ok() ? std::move(*ids) : std::vector<std::int32_t>());
  }
  return encode_ids(pad_ids(rows, recipe_.model.context));
}

torch::Tensor CompactMethod::project(const torch::Tensor& features) {
  return loss::unit_rows(at::matmul(features, proj_).to(torch::kFloat32));
}

std::vector<ParameterGroup> CompactMethod::begin_stage(int stage) {
  stage_ = stage;
  ParameterGroup words{.name = "words", .parameters = {}};
  ParameterGroup plain{.name = "words_vectors", .parameters = {}, .weight_decay = 0.0};
  for (const auto& [name, tensor] : words_->published()) {
    torch::Tensor(tensor).set_requires_grad(true);
    const bool decays = tensor.dim() > 1 && name != "buckets";
    (decays ? words : plain).parameters.emplace_back("words." + name, tensor);
  }
  plain.parameters.emplace_back("text_scale", text_tau_.set_requires_grad(true));
  if (stage == 0) return {std::move(words), std::move(plain)};
  words.lr_factor = plain.lr_factor = recipe_.training.text_lr_factor;
  ParameterGroup image{.name = "image", .parameters = {}};
  image.lr_factor = recipe_.training.image_lr_factor;
  const bool moves = image.lr_factor > 0;
  proj_.set_requires_grad(moves);
  if (moves) image.parameters.emplace_back("visual.proj", proj_);
  ParameterGroup scale{.name = "scale", .parameters = {}, .weight_decay = 0.0};
  scale.parameters.emplace_back("logit_scale", tau_.set_requires_grad(true));
  return {std::move(image), std::move(scale), std::move(words), std::move(plain)};
}

NamedTorchTensors CompactMethod::state() {
  NamedTorchTensors out;
  append(out, "words.", words_->published());
  out.emplace_back("visual.proj", proj_);
  out.emplace_back("logit_scale", tau_);
  out.emplace_back("text_scale", text_tau_);
  return out;
}

std::int64_t CompactMethod::steps_per_epoch(int stage) const {
  if (stage == 0) return glosses_->training_senses() / recipe_.gloss.batch;
  return static_cast<std::int64_t>(data_.train_view.size()) / recipe_.training.batch;
}

Status CompactMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  stage_ = stage;
  epoch_seed_ = epoch_seed(context_.seed, stage, epoch);
  at_ = first_step;
  if (stage == 0) return {};
  MIEN_RETURN_IF_ERROR(prepare_features());
  Rng rng(epoch_seed_);
  // Rows of the features, not indices of samples.
  std::map<std::int64_t, std::int64_t> row_of;
  for (std::size_t r = 0; r < data_.train_view.size(); ++r) {
    row_of.emplace(data_.train_view[r], static_cast<std::int64_t>(r));
  }
  order_ = data::shuffled(
      data::tempered(*data_.train, data_.train_view, recipe_.training.balance, rng), rng);
  for (std::int64_t& place : order_) place = row_of.at(place);
  return {};
}

torch::Tensor CompactMethod::gloss_loss(Rng& rng, std::int64_t count) {
  const TextPairs pairs = glosses_->draw(count, rng);
  return loss::symmetric_contrastive(encode_ids(pairs.first), encode_ids(pairs.second),
                                     text_tau_.clamp_max(std::log(100.0)).exp());
}

std::vector<std::string> CompactMethod::draw_class_texts(Rng& rng) const {
  std::vector<std::string> out;
  for (std::size_t c = 0; c < kVoteClasses; ++c) {
    const std::vector<std::string>& texts = class_texts_[c];
    // Sentences about a face that only shows this, in many wordings, half of the time.
    if (rng.below(2) == 0) {
      data::ExpressionVotes votes;
      votes.expressions[c] = 10;
      out.push_back(data::caption_from_votes(votes, "", rng.next_u64()));
    } else {
      out.push_back(texts[static_cast<std::size_t>(rng.below(texts.size()))]);
    }
  }
  return out;
}

// Two ways to name the classes, for two kinds of truth: descriptions stand for the labels of the
// data set, short prompts and captions for what most annotators say. FER2013's labels and the votes
// of FER+ differ so much that no single direction per class serves both.
torch::Tensor CompactMethod::class_loss(const torch::Tensor& images, const torch::Tensor& labels,
                                        const torch::Tensor& votes, Rng& rng) {
  std::vector<std::string> texts = draw_class_texts(rng);
  for (const text::Label& label : labels_) {
    texts.push_back(label.texts[static_cast<std::size_t>(rng.below(label.texts.size()))]);
  }
  const torch::Tensor rows = encode(texts);
  const auto count = static_cast<std::int64_t>(kVoteClasses);
  const torch::Tensor described = rows.narrow(0, count, rows.size(0) - count);
  const auto loss_of = [&](const torch::Tensor& named, const torch::Tensor& targets,
                           const torch::Tensor& columns) {
    const double s = recipe_.training.smoothing;
    return known_cross_entropy(tau_.exp() * at::matmul(images, named.t()),
                               targets * (1 - s) + s / static_cast<double>(named.size(0)), columns);
  };
  const double share = recipe_.training.label_share;
  torch::Tensor out = (1 - share) * loss_of(rows.narrow(0, 0, count), votes, known_.votes) +
                      share * loss_of(described, labels, known_.labels);
  if (recipe_.training.prototype_weight == 0) return out;
  const torch::Tensor cosines = (described * prototypes_).sum(1).index_select(0, known_.labels);
  return out + recipe_.training.prototype_weight * (1 - cosines).mean();
}

// Pictures against sentences about them; two that say nearly the same, by their rows, both count as
// right.
torch::Tensor CompactMethod::sentence_loss(const torch::Tensor& images, const Sentences& said) {
  if (said.texts.size() < 2) return torch::zeros({});
  const torch::Tensor rows = loss::unit_rows(at::stack(said.rows));
  const torch::Tensor same = at::matmul(rows, rows.t()).gt(kLikeVotes).to(torch::kFloat32);
  const torch::Tensor chosen = images.index_select(0, torch::tensor(said.places, torch::kInt64));
  return loss::symmetric_contrastive_soft(chosen, encode(said.texts), tau_.exp(),
                                          same / same.sum(1, true));
}

torch::Tensor CompactMethod::caption_loss(const torch::Tensor& images,
                                          const std::vector<std::int64_t>& places, Rng& rng) {
  Sentences said;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const data::Sample& sample = data_.train->samples[static_cast<std::size_t>(places[i])];
    auto counted = data::votes_of(sample);
    if (!counted.ok() || !*counted) continue;
    if (known_.left_out_vote >= 0) {
      (*counted)->expressions[static_cast<std::size_t>(known_.left_out_vote)] = 0;
    }
    // When a class is left out, only single votes may remain: they make no row.
    const auto& shares = train_votes_[static_cast<std::size_t>(places[i])];
    if (std::all_of(shares.begin(), shares.end(), [](float share) { return share == 0; })) continue;
    std::string caption = data::caption_from_votes(**counted, sample.id, rng.next_u64());
    if (caption.empty()) continue;
    said.rows.push_back(torch::tensor(at::ArrayRef<float>(shares.data(), shares.size())));
    said.places.push_back(static_cast<std::int64_t>(i));
    said.texts.push_back(std::move(caption));
  }
  return sentence_loss(images, said);
}

torch::Tensor CompactMethod::shape_loss(const torch::Tensor& images,
                                        const std::vector<std::int64_t>& places, Rng& rng) {
  Sentences said;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const auto& face = shapes_.faces[static_cast<std::size_t>(places[i])];
    if (!face) continue;
    std::string text = data::caption_from_geometry(*face, "", rng.next_u64());
    if (text.empty()) continue;
    said.rows.push_back(shapes_.values[places[i]]);
    said.places.push_back(static_cast<std::int64_t>(i));
    said.texts.push_back(std::move(text));
  }
  return sentence_loss(images, said);
}

torch::Tensor CompactMethod::features_of(const torch::Tensor& views,
                                         const std::vector<std::int64_t>& rows, Rng* rng) const {
  std::vector<std::int64_t> at;
  for (const std::int64_t row : rows) {
    const auto view = static_cast<std::int64_t>(
        rng == nullptr ? 0 : rng->below(static_cast<std::uint64_t>(views.size(0))));
    at.push_back(view * views.size(1) + row);
  }
  return views.flatten(0, 1).index_select(0, torch::tensor(at, torch::kInt64));
}

Result<StepOutput> CompactMethod::joint_step(Rng& rng) {
  StepOutput out;
  const auto batch = static_cast<std::size_t>(recipe_.training.batch);
  const auto first = static_cast<std::size_t>(at_) * batch;
  const std::vector<std::int64_t> rows(order_.begin() + static_cast<std::ptrdiff_t>(first),
                                       order_.begin() + static_cast<std::ptrdiff_t>(first + batch));
  std::vector<std::int64_t> places;
  for (const std::int64_t row : rows) {
    places.push_back(data_.train_view[static_cast<std::size_t>(row)]);
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(places.back())].id);
  }
  out.samples = recipe_.training.batch;
  const torch::Tensor images = project(features_of(train_views_, rows, &rng));
  const torch::Tensor chosen = torch::tensor(rows, torch::kInt64);
  const torch::Tensor classes = class_loss(images, label_targets_.index_select(0, chosen),
                                           vote_targets_.index_select(0, chosen), rng);
  const torch::Tensor captions = caption_loss(images, places, rng);
  out.loss = classes + recipe_.training.caption_weight * captions;
  if (recipe_.training.geometry_weight > 0) {
    const torch::Tensor shapes = shape_loss(images, places, rng);
    out.loss = out.loss + recipe_.training.geometry_weight * shapes;
    out.values.emplace_back("geometry_loss", shapes.item<double>());
  }
  if (recipe_.training.gloss_weight > 0) {
    out.loss = out.loss + recipe_.training.gloss_weight * gloss_loss(rng, recipe_.training.batch);
  }
  out.values.emplace_back("class_loss", classes.item<double>());
  out.values.emplace_back("caption_loss", captions.item<double>());
  out.values.emplace_back("factor", tau_.exp().item<double>());
  return out;
}

Result<StepOutput> CompactMethod::step() {
  Rng rng(epoch_seed_ * 0x9E3779B97F4A7C15ULL + static_cast<std::uint64_t>(at_));
  StepOutput out;
  if (stage_ == 0) {
    out.samples = recipe_.gloss.batch;
    out.loss = gloss_loss(rng, recipe_.gloss.batch);
    out.values = {{"text_factor", text_tau_.exp().item<double>()}};
  } else {
    MIEN_ASSIGN_OR_RETURN(out, joint_step(rng));
  }
  ++at_;
  return out;
}

torch::Tensor CompactMethod::class_rows(const std::vector<text::Label>& labels) {
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : labels) rows.push_back(encode(label.texts).mean(0));
  return loss::unit_rows(at::stack(rows));
}

Result<NamedValues> CompactMethod::validate_glosses() {
  const TextPairs& pairs = glosses_->held_out();
  std::vector<torch::Tensor> first, second;
  for (std::int64_t at = 0; at < pairs.first.size(0); at += kCompactTextBatch) {
    const std::int64_t count = std::min(kCompactTextBatch, pairs.first.size(0) - at);
    first.push_back(encode_ids(pairs.first.narrow(0, at, count)));
    second.push_back(encode_ids(pairs.second.narrow(0, at, count)));
  }
  const torch::Tensor similarity = at::matmul(at::cat(first), at::cat(second).t());
  const double ten = top_share(similarity, 10);
  return NamedValues{{"gloss_r1", top_share(similarity, 1)}, {"gloss_r10", ten}, {"score", ten}};
}

Result<NamedValues> CompactMethod::validate_classes() {
  const torch::Tensor images = project(val_features_);
  const std::size_t classes = labels_.size();
  // A class that does not validate is not a possible answer either.
  const torch::Tensor answers = recipe_.data.left_out_validates
                                    ? at::arange(static_cast<std::int64_t>(classes))
                                    : known_.labels;
  const torch::Tensor described = best_of(at::matmul(images, class_rows(labels_).t()), answers);
  const torch::Tensor prompted = best_of(at::matmul(images, class_rows(own_labels_).t()), answers);
  metrics::ConfusionMatrix labels(classes), majority(classes);
  for (std::size_t i = 0; i < data_.val_view.size(); ++i) {
    const auto place = static_cast<std::size_t>(data_.val_view[i]);
    const auto said = [i](const torch::Tensor& best) {
      return static_cast<std::size_t>(best[static_cast<std::int64_t>(i)].item<std::int64_t>());
    };
    labels.add(static_cast<std::size_t>(data_.val->samples[place].labels.front()), said(described));
    for (std::size_t c = 0; c < classes; ++c) {
      const bool asked = recipe_.data.left_out_validates || vote_class_[c] != known_.left_out_vote;
      if (asked && vote_class_[c] >= 0 &&
          val_votes_[place][static_cast<std::size_t>(vote_class_[c])] > 0.5F) {
        majority.add(c, said(prompted));
      }
    }
  }
  MIEN_ASSIGN_OR_RETURN(const double war, metrics::weighted_average_recall(labels));
  MIEN_ASSIGN_OR_RETURN(const metrics::ClassMean uar, metrics::unweighted_average_recall(labels));
  NamedValues out = {{"war", war}, {"uar", uar.percent}};
  double score = (war + uar.percent) / 2;
  if (majority.total() > 0) {
    MIEN_ASSIGN_OR_RETURN(const double votes, metrics::weighted_average_recall(majority));
    out.emplace_back("majority_war", votes);
    score = (score + votes) / 2;
  }
  out.emplace_back("score", score);
  return out;
}

Result<NamedValues> CompactMethod::validate(int stage, int) {
  MIEN_ASSIGN_OR_RETURN(NamedValues out, validate_glosses());
  if (stage == 0) return out;
  out.pop_back();  // the score of the glosses
  if (data_.val_view.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const NamedValues classes, validate_classes());
  out.insert(out.end(), classes.begin(), classes.end());
  return out;
}

}  // namespace mien::methods
