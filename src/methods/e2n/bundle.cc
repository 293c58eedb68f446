// The bundle of E2N-FER: the image tower, what stands for the classes, the texts on request.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "loss/unit_rows.h"
#include "methods/e2n/train.h"
#include "methods/kit/card.h"
#include "methods/kit/unknown_rule.h"
#include "nn/load.h"
#include "text/tokenizer.h"

namespace mien::methods {
namespace {

constexpr double kExpressive = 0.95;  // percentile of the distances that is intensity 1

torch::Tensor wide(const torch::Tensor& tensor) { return tensor.to(torch::kFloat64).contiguous(); }

}  // namespace

Status E2nMethod::calibrate(engine::BundleInfo& info) {
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const Features features, val_features());
  const torch::Tensor logits =
      info.logit_scale * at::matmul(loss::unit_rows(features.rows), loss::unit_rows(targets_).t());
  MIEN_RETURN_IF_ERROR(methods::calibrate(logits, features.labels, training_.accept,
                                          data_.val->name, info, "label of the data set"));
  return calibrate_neutral(info, features);
}

// A network that does not tell neutral faces from others gives no intensity.
Status E2nMethod::calibrate_neutral(engine::BundleInfo& info, const Features& features) {
  if (!uses_neutral()) return {};
  const torch::Tensor distances =
      wide(1 - at::cosine_similarity(features.rows, network_->forward(features.rows), 1, 1e-8));
  const auto of = [&](const torch::Tensor& which) {
    return std::get<0>(distances.index_select(0, which.nonzero().squeeze(1)).sort(0));
  };
  const torch::Tensor labels = torch::tensor(features.labels, torch::kInt64);
  const torch::Tensor calm = of(labels.eq(neutral_)), others = of(labels.ne(neutral_));
  if (calm.size(0) == 0 || others.size(0) == 0) return {};
  engine::NeutralNetwork network{.hidden = model_.hidden};
  network.from = std::clamp(calm[calm.size(0) / 2].item<double>(), 0.0, 2.0);
  const auto place =
      static_cast<std::int64_t>(kExpressive * static_cast<double>(others.size(0) - 1));
  network.to = std::clamp(others[place].item<double>(), 0.0, 2.0);
  if (network.from < network.to) info.architecture.neutral = network;
  return {};
}

Status E2nMethod::fill_tensors(engine::BundleContent& content, NamedTorchTensors& owned) {
  const auto keep = [&](const std::string& name, const torch::Tensor& tensor) {
    owned.emplace_back(name, tensor.detach().to(torch::kFloat32).contiguous());
  };
  for (const auto& [name, tensor] : tower_->published()) keep("visual." + name, tensor);
  if (content.info.architecture.neutral) {
    for (const auto& [name, tensor] : nn::named_parameters(*network_)) {
      keep("neutral." + name, tensor);
    }
  }
  keep(engine::Bundle::kLabelFeatures, loss::unit_rows(targets_.detach()));
  for (const auto& [name, tensor] : owned) content.tensors.emplace_back(name, nn::as_view(tensor));
  if (!content.info.architecture.text) return {};
  for (const auto& [name, view] : teacher_.bundle->weights().tensors()) {
    const bool other = name.starts_with("visual.") || name.starts_with("temporal.") ||
                       name.starts_with("neutral.") || name == "logit_scale" ||
                       name == engine::Bundle::kLabelFeatures;
    if (!other) content.tensors.emplace_back(name, view);
  }
  MIEN_ASSIGN_OR_RETURN(const auto tokenizer, teacher_.bundle->tokenizer());
  content.tokenizer = tokenizer->file_text();
  return {};
}

Status E2nMethod::export_bundle(const std::filesystem::path& path, bool overwrite) {
  const at::NoGradGuard no_grad;
  engine::BundleContent content;
  engine::BundleInfo& info = content.info;
  info.name = training_.name;
  info.method = "e2n";
  info.architecture = architecture_;
  if (training_.text_tower && !learned()) {
    info.architecture.text = teacher_.bundle->info().architecture.text;
  }
  info.preprocess = preprocess_;
  info.crop = teacher_.bundle->info().crop;
  for (std::size_t c = 0; c < data_.train->classes.size(); ++c) {
    info.labels.push_back(
        {.name = data_.train->classes[c], .texts = {teacher_.prompts[c]}, .parts = {}});
  }
  info.logit_scale = teacher_.scale;
  info.licence = training_.licence;
  info.provenance = context_.provenance;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  note_data(data_, info.provenance);
  info.provenance.set("teacher", teacher_.bundle->info().name);
  note_left_out(data_options_, info.provenance);
  NamedTorchTensors owned;
  MIEN_RETURN_IF_ERROR(fill_tensors(content, owned));
  const std::string& teacher = teacher_.bundle->info().name;
  const Card card{
      .about =
          "An image tower whose embeddings match a text encoder's, trained by `mien train` "
          "(method e2n, E2N-FER, arXiv 2409.08598).",
      .facts = {data_fact(data_),
                fmt::format("Labels: {}{}.", fmt::join(data_.train->classes, ", "),
                            info.architecture.text ? "; any others in words" : ""),
                learned() ? std::string("Targets: learned prototypes.")
                          : fmt::format("Targets: the texts of {}.", teacher)}};
  content.card = card.text(info.name);
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
