#include "mien/engine/label_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/label_json.h"
#include "mien/kernels/ops.h"

namespace mien::engine {
namespace {

float dot(const float* a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  }
  return static_cast<float>(sum);
}

// The mean of `count` rows starting at `rows`, of unit length when asked for.
void mean_row(const float* rows, std::size_t count, std::size_t width, bool unit, float* out) {
  std::fill(out, out + width, 0.0F);
  for (std::size_t r = 0; r < count; ++r) {
    for (std::size_t i = 0; i < width; ++i) out[i] += rows[r * width + i];
  }
  if (unit) return kernels::l2_normalize_rows(out, 1, static_cast<std::int64_t>(width));
  for (std::size_t i = 0; i < width; ++i) out[i] /= static_cast<float>(count);
}

// Mean of a label's texts, or mean of its parts' rows; returns what is behind its texts.
const float* label_row(const text::Label& label, const float* rows, std::size_t width, bool unit,
                       float* out) {
  if (label.parts.empty()) {
    mean_row(rows, label.texts.size(), width, unit, out);
    return rows + label.texts.size() * width;
  }
  std::vector<float> parts(label.parts.size() * width);
  for (std::size_t p = 0; p < label.parts.size(); ++p) {
    rows = label_row(label.parts[p], rows, width, unit, parts.data() + p * width);
  }
  mean_row(parts.data(), label.parts.size(), width, unit, out);
  return rows;
}

double log_sum_exp(const std::vector<double>& logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (const double logit : logits) total += std::exp(logit - top);
  return top + std::log(total);
}

std::vector<double> softmax(std::vector<double> logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  double total = 0;
  for (double& logit : logits) total += logit = std::exp(logit - top);
  for (double& logit : logits) logit /= total;
  return logits;
}

std::vector<std::vector<std::string>> near_words(const LearnedText& text) {
  std::vector<std::vector<std::string>> out;
  for (const std::vector<NearWord>& token : text.tokens) {
    std::vector<std::string>& words = out.emplace_back();
    for (const NearWord& near : token) words.push_back(near.word);
  }
  return out;
}

}  // namespace

Result<Tensor> encode_texts_raw(const Bundle& bundle, std::span<const std::string> texts,
                                Session& session) {
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle.text_encoder());
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, bundle.tokenizer());
  std::vector<std::vector<std::int32_t>> rows;
  rows.reserve(texts.size());
  for (const std::string& text : texts) {
    MIEN_ASSIGN_OR_RETURN(auto ids, tokenizer->encode_padded(text, encoder->context()));
    rows.push_back(std::move(ids));
  }
  Tensor out(DType::kF32, {static_cast<std::int64_t>(texts.size()), encoder->embed()});
  if (!rows.empty()) {
    MIEN_RETURN_IF_ERROR(encoder->encode(rows, out.f32().data(), session));
  }
  return out;
}

Result<Tensor> encode_texts(const Bundle& bundle, std::span<const std::string> texts,
                            Session& session) {
  MIEN_ASSIGN_OR_RETURN(Tensor out, encode_texts_raw(bundle, texts, session));
  if (!texts.empty()) kernels::l2_normalize_rows(out.f32().data(), out.dim(0), out.dim(1));
  return out;
}

std::vector<float> combine_texts(const text::Label& label, const float* rows, std::size_t embed,
                                 Compound compound) {
  std::vector<float> out(embed);
  label_row(label, rows, embed, compound == Compound::kUnitMean, out.data());
  kernels::l2_normalize_rows(out.data(), 1, static_cast<std::int64_t>(embed));
  return out;
}

Result<Tensor> encode_label_features(const Bundle& bundle, const std::vector<text::Label>& labels,
                                     Session& session) {
  std::vector<std::string> texts;
  for (const text::Label& label : labels) append_texts(label, texts);
  return encode_texts(bundle, texts, session);
}

Result<std::shared_ptr<const LabelScorer>> LabelScorer::make(const Bundle& bundle,
                                                             const text::LabelSet& labels,
                                                             const ScorerOptions& options,
                                                             Session& session) {
  if (labels.labels.empty()) {
    return invalid_argument("labels: the set is empty (expected at least one label)");
  }
  const BundleInfo& info = bundle.info();
  if (options.compound == Compound::kRawMean &&
      options.reduce.value_or(info.reduce) != Reduce::kMeanEmbedding) {
    return invalid_argument(
        "compound labels: raw means go with means of embeddings only (expected --reduce mean)");
  }
  const std::shared_ptr<LabelScorer> out(new LabelScorer());
  out->options_ = options;
  out->reduce_ = options.reduce.value_or(info.reduce);
  out->embed_ = static_cast<std::size_t>(info.architecture.embed);
  out->logit_scale_ = info.logit_scale;
  out->temperature_ = info.temperature;
  out->rule_ = info.unknown.kind;
  if (options.unknown.mode == UnknownChoice::Mode::kAuto) out->threshold_ = info.unknown.threshold;
  if (options.unknown.mode == UnknownChoice::Mode::kValue) out->threshold_ = options.unknown.value;

  if (labels.labels == info.labels) {
    MIEN_ASSIGN_OR_RETURN(out->reciprocal_,
                          ReciprocalDistance::load(bundle.weights(), info.architecture));
  } else if (info.architecture.reciprocal) {
    out->rule_ = UnknownRule::Kind::kMaxProbability;
    if (options.unknown.mode == UnknownChoice::Mode::kAuto) out->threshold_.reset();
  }
  MIEN_RETURN_IF_ERROR(out->encode(bundle, labels, session));
  return std::shared_ptr<const LabelScorer>(out);
}

Status LabelScorer::encode(const Bundle& bundle, const text::LabelSet& labels, Session& session) {
  const BundleInfo& info = bundle.info();
  const bool own = labels.labels == info.labels;
  const TensorView* stored = own ? bundle.label_features() : nullptr;
  if (stored != nullptr) {
    text_rows_.resize(stored->size());
    MIEN_RETURN_IF_ERROR(copy_to_f32(*stored, text_rows_));
  } else {
    MIEN_ASSIGN_OR_RETURN(const Tensor encoded,
                          encode_label_features(bundle, labels.labels, session));
    text_rows_.assign(encoded.f32().begin(), encoded.f32().end());
  }
  const float* rows = text_rows_.data();
  for (std::size_t l = 0; l < labels.labels.size(); ++l) {
    const text::Label& label = labels.labels[l];
    std::vector<std::string> texts;
    append_texts(label, texts);
    std::vector<float> row;
    if (options_.compound == Compound::kRawMean && !label.parts.empty()) {
      MIEN_ASSIGN_OR_RETURN(const Tensor raw, encode_texts_raw(bundle, texts, session));
      row = combine_texts(label, raw.f32().data(), embed_, Compound::kRawMean);
    } else {
      row = combine_texts(label, rows, embed_, Compound::kUnitMean);
    }
    label_rows_.insert(label_rows_.end(), row.begin(), row.end());
    names_.push_back(label.name);
    rows += texts.size() * embed_;
    for (std::string& text : texts) {
      std::vector<std::vector<std::string>> near;
      if (own && !info.learned.empty()) near = near_words(info.learned[texts_.size()]);
      texts_.push_back({l, std::move(text), std::move(near)});
    }
  }
  return {};
}

float LabelScorer::label_cosine(std::size_t label, std::span<const float> embedding) const {
  if (reduce_ == Reduce::kMeanEmbedding) {
    return dot(label_rows_.data() + label * embed_, embedding);
  }
  double sum = 0;
  float best = -2;
  int count = 0;
  for (std::size_t t = 0; t < texts_.size(); ++t) {
    if (texts_[t].label != label) continue;
    const float cosine = dot(text_rows_.data() + t * embed_, embedding);
    sum += static_cast<double>(cosine);
    best = std::max(best, cosine);
    ++count;
  }
  return reduce_ == Reduce::kMaxCosine ? best : static_cast<float>(sum / count);
}

std::vector<float> LabelScorer::text_cosines(std::span<const float> embedding) const {
  MIEN_CHECK(embedding.size() == embed_);
  std::vector<float> out;
  for (std::size_t t = 0; t < texts_.size(); ++t) {
    out.push_back(dot(text_rows_.data() + t * embed_, embedding));
  }
  return out;
}

bool LabelScorer::is_unknown(const Scores& scores, std::span<const double> distances) const {
  if (!threshold_) return false;
  double value = 0;
  switch (rule_) {
    case UnknownRule::Kind::kMaxProbability:
      value = static_cast<double>(scores.labels.front().probability);
      break;
    case UnknownRule::Kind::kMaxCosine:
      value = -1;
      for (const LabelScore& label : scores.labels) {
        value = std::max(value, static_cast<double>(label.cosine));
      }
      break;
    case UnknownRule::Kind::kEnergy: {
      std::vector<double> logits = scores.logits;
      for (double& logit : logits) logit /= temperature_;
      value = log_sum_exp(logits);
      break;
    }
    case UnknownRule::Kind::kMaxLogit:
      value = *std::max_element(scores.logits.begin(), scores.logits.end());
      break;
    case UnknownRule::Kind::kMeanProbability: {
      std::vector<double> cosines(names_.size());
      for (const LabelScore& label : scores.labels) {
        const auto place = std::find(names_.begin(), names_.end(), label.label) - names_.begin();
        cosines[static_cast<std::size_t>(place)] = logit_scale_ * static_cast<double>(label.cosine);
      }
      const std::vector<double> of_texts = softmax(cosines);
      const std::vector<double> of_points =
          distances.empty() ? of_texts : softmax({distances.begin(), distances.end()});
      for (std::size_t l = 0; l < names_.size(); ++l) {
        value = std::max(value, (of_texts[l] + of_points[l]) / 2);
      }
      break;
    }
  }
  return !(value >= *threshold_);
}

Scores LabelScorer::score(std::span<const float> embedding, double length) const {
  MIEN_CHECK(embedding.size() == embed_);
  Scores out;
  std::vector<double> distances;
  if (reciprocal_) distances = reciprocal_->scores(embedding, length);
  std::vector<double> calibrated;
  for (std::size_t l = 0; l < names_.size(); ++l) {
    const float cosine = label_cosine(l, embedding);
    double logit = logit_scale_ * static_cast<double>(cosine);
    if (reciprocal_) {
      const ReciprocalPoints& weights = reciprocal_->weights();
      logit = weights.cosine_weight * logit + weights.distance_weight * distances[l];
    }
    out.labels.push_back({names_[l], 0.0F, cosine});
    out.logits.push_back(logit);
    calibrated.push_back(logit / temperature_);
  }
  const std::vector<double> probabilities = softmax(calibrated);
  for (std::size_t l = 0; l < names_.size(); ++l) {
    out.labels[l].probability = static_cast<float>(probabilities[l]);
  }
  if (reciprocal_) {
    std::stable_sort(
        out.labels.begin(), out.labels.end(),
        [](const LabelScore& a, const LabelScore& b) { return a.probability > b.probability; });
  } else {
    std::stable_sort(out.labels.begin(), out.labels.end(),
                     [](const LabelScore& a, const LabelScore& b) { return a.cosine > b.cosine; });
  }
  out.unknown = is_unknown(out, distances);
  if (options_.explain) {
    const std::vector<float> cosines = text_cosines(embedding);
    for (std::size_t t = 0; t < texts_.size(); ++t) {
      out.reasons.push_back({names_[texts_[t].label], texts_[t].text, cosines[t], texts_[t].near});
    }
    std::stable_sort(out.reasons.begin(), out.reasons.end(),
                     [](const Reason& a, const Reason& b) { return a.cosine > b.cosine; });
  }
  return out;
}

}  // namespace mien::engine
