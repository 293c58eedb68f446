#include "mien/engine/label_scorer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "engine/label_json.h"
#include "engine/reciprocal.h"
#include "kernels/ops.h"
#include "mien/text/prompts.h"
#include "text/tokenizer.h"

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

// One label, unless nothing is there to set it against.
bool is_question(const Bundle& bundle, const text::LabelSet& labels) {
  return labels.labels.size() == 1 && !bundle.info().architecture.reciprocal &&
         (bundle.reference() != nullptr || bundle.has_text_tower());
}

// Without its points, a bundle's rule holds for probabilities alone.
UnknownRule::Kind rule_for(const BundleInfo& bundle, const text::LabelSet& labels) {
  return bundle.architecture.reciprocal && labels.labels != bundle.labels
             ? UnknownRule::Kind::kMaxProbability
             : bundle.unknown.kind;
}

}  // namespace

Result<UnknownChoice> parse_unknown_choice(std::string_view text) {
  using Mode = UnknownChoice::Mode;
  if (text == "off") return UnknownChoice{Mode::kOff, 0};
  if (text == "auto") return UnknownChoice{Mode::kAuto, 0};
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return invalid_argument(
        fmt::format("invalid value '{}' (expected off, auto or a number)", text));
  }
  return UnknownChoice{Mode::kValue, value};
}

Status check_unknown(const UnknownChoice& choice, const BundleInfo& bundle,
                     const text::LabelSet& labels) {
  if (choice.mode != UnknownChoice::Mode::kValue) return {};
  const UnknownRule::Kind rule = rule_for(bundle, labels);
  const bool share =
      rule == UnknownRule::Kind::kMaxProbability || rule == UnknownRule::Kind::kMeanProbability;
  if (!share && rule != UnknownRule::Kind::kMaxCosine) return {};
  const double least = share ? 0 : -1;
  if (choice.value >= least && choice.value <= 1) return {};
  return invalid_argument(
      fmt::format("threshold of unknown: out of range (expected {} to 1, {} for rule {}, got {})",
                  least, share ? "a probability" : "a cosine", to_string(rule), choice.value));
}

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
  MIEN_RETURN_IF_ERROR(check_unknown(options.unknown, info, labels));
  out->rule_ = rule_for(info, labels);
  if (options.unknown.mode == UnknownChoice::Mode::kAuto) out->threshold_ = info.unknown.threshold;
  if (options.unknown.mode == UnknownChoice::Mode::kValue) out->threshold_ = options.unknown.value;

  if (labels.labels == info.labels) {
    MIEN_ASSIGN_OR_RETURN(out->reciprocal_,
                          ReciprocalDistance::load(bundle.weights(), info.architecture));
  } else if (info.architecture.reciprocal) {
    if (options.unknown.mode == UnknownChoice::Mode::kAuto) out->threshold_.reset();
  }
  out->yes_or_no_ = is_question(bundle, labels);
  MIEN_RETURN_IF_ERROR(out->encode(bundle, labels, session));
  if (!out->reciprocal_) out->reference_ = bundle.reference();
  out->fit_reference();
  if (out->yes_or_no_ && !out->reference_) {
    MIEN_RETURN_IF_ERROR(out->encode_contrasts(bundle, labels, session));
  }
  out->names_ = names_of(bundle, labels);
  return std::shared_ptr<const LabelScorer>(out);
}

std::vector<std::string> LabelScorer::names_of(const Bundle& bundle, const text::LabelSet& labels) {
  std::vector<std::string> out;
  for (const text::Label& label : labels.labels) out.push_back(label.name);
  if (is_question(bundle, labels)) out.push_back("not " + out.front());
  return out;
}

void LabelScorer::fit_reference() {
  if (!reference_) return;
  std::vector<double> all;
  for (std::int64_t f = 0; f < reference_->info().faces(); ++f) {
    const std::vector<double> row = cosines(reference_->face(f));
    all.insert(all.end(), row.begin(), row.end());
  }
  fit_ = reference_->fit(all, label_rows_.size() / embed_);
}

// What else a face may show: the labels of basic7 that the question does not name.
Status LabelScorer::encode_contrasts(const Bundle& bundle, const text::LabelSet& labels,
                                     Session& session) {
  const text::Label& asked = labels.labels.front();
  std::vector<text::Label> others;
  for (const text::Label& label : text::find_builtin_labels("basic7")->labels) {
    if (label.name != text::builtin_label_of(asked.name)) others.push_back(label);
  }
  MIEN_ASSIGN_OR_RETURN(const Tensor features, encode_label_features(bundle, others, session));
  const float* rows = features.f32().data();
  for (const text::Label& label : others) {
    const auto row = combine_texts(label, rows, embed_, Compound::kUnitMean);
    contrast_rows_.insert(contrast_rows_.end(), row.begin(), row.end());
    rows += label.texts.size() * embed_;
  }
  return {};
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
    names_.push_back(label.name);  // cosines need their number
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

std::vector<double> LabelScorer::cosines(std::span<const float> embedding) const {
  std::vector<double> out;
  for (std::size_t l = 0; l < label_rows_.size() / embed_; ++l) {
    out.push_back(static_cast<double>(label_cosine(l, embedding)));
  }
  return out;
}

std::optional<double> LabelScorer::known_score(std::span<const float> embedding) const {
  if (!reference_) return std::nullopt;
  // No is an answer, so that only what is far from every face is unknown.
  if (yes_or_no_) return reference_->nearness(embedding);
  return engine::known_score(*reference_, fit_, embedding, cosines(embedding));
}

bool LabelScorer::is_unknown(const Scores& scores, std::span<const double> distances) const {
  if (options_.unknown.mode == UnknownChoice::Mode::kAuto && reference_) return false;
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

// The logits are such that their softmax at the bundle's temperature is the answer.
Scores LabelScorer::answer_yes_or_no(std::span<const float> embedding) const {
  const double cosine = cosines(embedding).front();
  double yes = logit_scale_ * cosine, no = 0, even = -1;
  if (reference_) {
    yes = temperature_ * reference_->logit((cosine - fit_.mean.front()) / fit_.deviation.front());
    // The cosine at which yes and no are equal stands for the absence.
    const ReferenceInfo& info = reference_->info();
    even = fit_.mean.front() - fit_.deviation.front() * info.offset / std::max(1e-9, info.slope);
  } else {
    std::vector<double> others;
    for (std::size_t row = 0; row < contrast_rows_.size(); row += embed_) {
      const auto other = static_cast<double>(dot(contrast_rows_.data() + row, embedding));
      even = std::max(even, other);
      others.push_back(logit_scale_ * other / temperature_);
    }
    no = temperature_ * log_sum_exp(others);
  }
  const std::vector<double> both = softmax({yes / temperature_, no / temperature_});
  Scores out;
  out.logits = {yes, no};
  out.labels = {
      {names_[0], static_cast<float>(both[0]), static_cast<float>(cosine)},
      {names_[1], static_cast<float>(both[1]), static_cast<float>(std::clamp(even, -1.0, 1.0))}};
  if (no > yes) std::swap(out.labels[0], out.labels[1]);
  if (threshold_ && options_.unknown.mode == UnknownChoice::Mode::kValue) {
    out.unknown = !(std::max(both[0], both[1]) >= *threshold_);
  }
  return out;
}

void LabelScorer::explain(std::span<const float> embedding, Scores& out) const {
  const std::vector<float> cosines = text_cosines(embedding);
  for (std::size_t t = 0; t < texts_.size(); ++t) {
    out.reasons.push_back({names_[texts_[t].label], texts_[t].text, cosines[t], texts_[t].near});
  }
  std::stable_sort(out.reasons.begin(), out.reasons.end(),
                   [](const Reason& a, const Reason& b) { return a.cosine > b.cosine; });
}

Scores LabelScorer::score(std::span<const float> embedding, double length) const {
  MIEN_CHECK(embedding.size() == embed_);
  Scores out = yes_or_no_ ? answer_yes_or_no(embedding) : compare(embedding, length);
  if (options_.unknown.mode == UnknownChoice::Mode::kAuto) {
    if (const auto known = known_score(embedding)) out.unknown = !(*known >= 0);
  }
  if (options_.explain) explain(embedding, out);
  return out;
}

Scores LabelScorer::compare(std::span<const float> embedding, double length) const {
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
  return out;
}

}  // namespace mien::engine
