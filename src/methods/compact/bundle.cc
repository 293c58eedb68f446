// The bundle of the compact model: towers in half precision, word vectors in int8.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

#include "methods/compact/train.h"
#include "methods/kit/card.h"
#include "methods/kit/unknown_rule.h"
#include "mien/metrics/calibration.h"

namespace mien::methods {
namespace {

// FER2013 crops faces wider than our detector by this margin (median over 235 smiling faces: 0.05).
constexpr float kCropMargin = 0.08F;

// Matrices as F16, vectors as F32.
Tensor narrowed(const torch::Tensor& tensor) {
  const torch::Tensor values = tensor.detach().to(torch::kFloat32).contiguous();
  const std::span<const float> from(values.data_ptr<float>(),
                                    static_cast<std::size_t>(values.numel()));
  const Shape shape(values.sizes().begin(), values.sizes().end());
  if (values.dim() < 2) return Tensor::from_f32(shape, from);
  Tensor out(DType::kF16, shape);
  auto* to = reinterpret_cast<std::uint16_t*>(out.mutable_bytes().data());
  std::transform(from.begin(), from.end(), to, float_to_half);
  return out;
}

// Rows as int8 with one factor each.
std::pair<Tensor, Tensor> quantised(const torch::Tensor& table) {
  const torch::Tensor rows = table.detach().to(torch::kFloat32).contiguous();
  const auto count = static_cast<std::size_t>(rows.size(0));
  const auto width = static_cast<std::size_t>(rows.size(1));
  Tensor values(DType::kI8, {rows.size(0), rows.size(1)});
  Tensor scale(DType::kF32, {rows.size(0)});
  auto* to = reinterpret_cast<std::int8_t*>(values.mutable_bytes().data());
  const float* from = rows.data_ptr<float>();
  for (std::size_t r = 0; r < count; ++r) {
    float most = 0;
    for (std::size_t i = 0; i < width; ++i) most = std::max(most, std::abs(from[r * width + i]));
    const float factor = most / 127;
    scale.f32()[r] = factor;
    for (std::size_t i = 0; i < width; ++i) {
      const float value = factor > 0 ? from[r * width + i] / factor : 0.0F;
      to[r * width + i] = static_cast<std::int8_t>(std::lround(value));
    }
  }
  return {std::move(values), std::move(scale)};
}

}  // namespace

int CompactMethod::majority_of(std::size_t place) const {
  const auto& votes = val_votes_[place];
  if (*std::max_element(votes.begin(), votes.end()) == 0) {
    return data_.val->samples[place].labels.front();
  }
  for (std::size_t c = 0; c < vote_class_.size(); ++c) {
    if (vote_class_[c] >= 0 && votes[static_cast<std::size_t>(vote_class_[c])] > 0.5F) {
      return static_cast<int>(c);
    }
  }
  return -1;
}

Status CompactMethod::calibrate(engine::BundleInfo& info) {
  if (recipe_.training.epochs == 0 || data_.val_view.empty()) return {};
  MIEN_RETURN_IF_ERROR(prepare_val_features());
  const torch::Tensor scaled =
      (info.logit_scale * at::matmul(project(val_features_), class_rows(own_labels_).t()))
          .to(torch::kFloat64)
          .contiguous();
  const std::span<const double> logits(scaled.data_ptr<double>(),
                                       static_cast<std::size_t>(scaled.numel()));
  std::vector<int> truths;
  std::vector<double> counted;
  for (std::size_t i = 0; i < data_.val_view.size(); ++i) {
    const int truth = majority_of(static_cast<std::size_t>(data_.val_view[i]));
    if (truth < 0) continue;
    truths.push_back(truth);
    const auto row = logits.subspan(i * labels_.size(), labels_.size());
    counted.insert(counted.end(), row.begin(), row.end());
  }
  MIEN_ASSIGN_OR_RETURN(info.temperature,
                        metrics::fit_temperature(counted, labels_.size(), truths));
  MIEN_RETURN_IF_ERROR(fit_unknown_rule(scaled, recipe_.training.accept, info));
  Json calibration = Json::object();
  calibration.set("data", data_.val->name);
  calibration.set("samples", truths.size());
  calibration.set("truth", "label of most annotators, else of the data set");
  calibration.set("accept", recipe_.training.accept);
  info.provenance.set("calibration", std::move(calibration));
  return {};
}

Status CompactMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = recipe_.training.name;
  info.method = "compact";
  info.architecture = architecture_;
  info.preprocess = preprocess_;
  info.crop.margin = kCropMargin;
  info.labels = own_labels_;
  info.logit_scale = tau_.exp().item<double>();
  info.licence = recipe_.training.licence;
  info.provenance = context_.provenance;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  note_data(data_, info.provenance);
  note_left_out(recipe_.data, info.provenance);
  std::vector<std::pair<std::string, Tensor>> owned;
  for (const auto& [name, tensor] : tower_->published()) {
    owned.emplace_back("visual." + name, narrowed(tensor));
  }
  for (const auto& [name, tensor] : words_->published()) {
    if (name != "buckets") owned.emplace_back("words." + name, narrowed(tensor));
  }
  auto [table, scale] = quantised(words_->whole_table());
  owned.emplace_back("words.table", std::move(table));
  owned.emplace_back("words.scale", std::move(scale));
  std::vector<torch::Tensor> rows;
  for (const text::Label& label : own_labels_) rows.push_back(encode(label.texts));
  owned.emplace_back(engine::Bundle::kLabelFeatures, Tensor());
  const torch::Tensor features = at::cat(rows).contiguous();
  owned.back().second = Tensor::from_f32(
      {features.size(0), features.size(1)},
      std::span(features.data_ptr<float>(), static_cast<std::size_t>(features.numel())));
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, tensor.view());
  content.tokenizer = tokenizer_->file_text();
  const Card card{
      .about =
          "A small vision-language model for faces, trained by `mien train` (method compact): "
          "a residual network on grey\ncrops, and a text tower over whole words with an open "
          "vocabulary.",
      .facts = {data_fact(data_), fmt::format("Labels: {}; any others in plain English words.",
                                              fmt::join(data_.train->classes, ", "))}};
  content.card = card.text(info.name);
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
