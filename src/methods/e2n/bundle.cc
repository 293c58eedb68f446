// E2N-FER: data, models, and the bundle.
#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "methods/e2n/train.h"
#include "methods/kit/labelled.h"
#include "mien/engine/find_bundle.h"
#include "mien/loss/unit_rows.h"
#include "mien/metrics/calibration.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr double kExpressive = 0.95;  // percentile of the distances that is intensity 1
constexpr std::string_view kE2nCard = R"(# {name}

An image tower whose embeddings match a text encoder's, trained by `mien train` (method e2n, E2N-FER, arXiv 2409.08598).

- Training data: {data}, {samples} samples. The weights inherit the terms of this data.
- Labels: {labels}{free}.
- Targets: {targets}.

mien describes how a face looks, not what a person feels. Inferring emotions at work and in education is
prohibited in the EU; results differ between groups of people.
)";

std::span<const double> values_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<double>(), static_cast<std::size_t>(tensor.numel())};
}

torch::Tensor wide(const torch::Tensor& tensor) { return tensor.to(torch::kFloat64).contiguous(); }

}  // namespace

Result<std::unique_ptr<Method>> E2nMethod::make(const E2nRecipe& recipe,
                                                const MethodContext& context) {
  std::unique_ptr<E2nMethod> out(new E2nMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

// Below the data folder, as given, or a shipped one by its name.
Result<std::filesystem::path> E2nMethod::bundle_path(const std::string& name) const {
  const std::filesystem::path below = context_.data / name;
  std::error_code error;
  if (!std::filesystem::exists(name, error) && std::filesystem::exists(below, error)) return below;
  return engine::find_bundle(name);
}

Status E2nMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  MIEN_RETURN_IF_ERROR(keep_labelled(data_));
  const std::vector<std::string>& classes = data_.train->classes;
  const auto found = std::find(classes.begin(), classes.end(), recipe_.training.neutral);
  if (found != classes.end()) neutral_ = found - classes.begin();
  if (uses_neutral() && neutral_ < 0) {
    return invalid_argument(fmt::format(
        "e2n.neutral: '{}' is no class (expected one of {}, or lambda_t and lambda_c 0)",
        recipe_.training.neutral, fmt::join(classes, ", ")));
  }
  MIEN_RETURN_IF_ERROR(prepare_model());
  return prepare_pictures();
}

Status E2nMethod::prepare_model() {
  if (recipe_.model.teacher.empty()) {
    return invalid_argument("model.teacher: is missing (expected a bundle with a text tower)");
  }
  MIEN_ASSIGN_OR_RETURN(const auto teacher, bundle_path(recipe_.model.teacher));
  MIEN_ASSIGN_OR_RETURN(teacher_,
                        read_e2n_teacher(teacher, recipe_.training.prompt, data_.train->classes));
  const auto embed = static_cast<int>(teacher_.texts.size(1));
  MIEN_ASSIGN_OR_RETURN(architecture_, recipe_.model.architecture(embed));
  const int channels = recipe_.model.encoder == "swin" ? 3 : recipe_.model.residual.channels;
  preprocess_ = e2n_preprocess(recipe_.model.image_size, channels);
  const image::PreprocessStep& normal = preprocess_.steps.back();
  for (int c = 0; c < channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    black_.push_back(-normal.mean[at] / normal.std[at]);
  }
  torch::manual_seed(context_.seed);
  tower_ = make_e2n_tower(recipe_.model, architecture_);
  network_ = nn::NeutralNetwork(embed, recipe_.model.hidden);
  targets_ = learned() ? torch::randn(teacher_.texts.sizes()) : teacher_.texts;
  if (recipe_.model.init.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const auto path, bundle_path(recipe_.model.init));
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  return load_e2n_tower(tower_, bundle->weights()).with_prefix(path.string());
}

// Small grey pictures stay in memory; colour ones are read again for every epoch.
Status E2nMethod::prepare_pictures() {
  const auto read = [&](const data::Manifest& manifest, data::View& view, const char* what,
                        std::shared_ptr<const PictureStore>& out) -> Status {
    MIEN_ASSIGN_OR_RETURN(
        out, PictureStore::read(manifest, view, preprocess_, recipe_.data, [&](std::int64_t done) {
          if (context_.progress) {
            context_.progress(what, done, static_cast<std::int64_t>(view.size()));
          }
        }));
    out->keep_readable(view);
    return {};
  };
  if (black_.size() == 1) {
    MIEN_RETURN_IF_ERROR(read(*data_.train, data_.train_view, "pictures", train_pictures_));
    MIEN_RETURN_IF_ERROR(read(*data_.val, data_.val_view, "validation pictures", val_pictures_));
  }
  return {};
}

Status E2nMethod::calibrate(engine::BundleInfo& info) {
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const Features features, val_features());
  const torch::Tensor logits = wide(
      info.logit_scale * at::matmul(loss::unit_rows(features.rows), loss::unit_rows(targets_).t()));
  std::vector<int> truths;
  for (std::int64_t i = 0; i < features.labels.size(0); ++i) {
    truths.push_back(static_cast<int>(features.labels[i].item<std::int64_t>()));
  }
  MIEN_ASSIGN_OR_RETURN(info.temperature,
                        metrics::fit_temperature(values_of(logits),
                                                 static_cast<std::size_t>(logits.size(1)), truths));
  const torch::Tensor best =
      std::get<0>(at::softmax(logits / info.temperature, 1).max(1)).contiguous();
  info.unknown.kind = engine::UnknownRule::Kind::kMaxProbability;
  MIEN_ASSIGN_OR_RETURN(info.unknown.threshold,
                        metrics::acceptance_threshold(values_of(best), recipe_.training.accept));
  Json calibration = Json::object();
  calibration.set("data", data_.val->name);
  calibration.set("samples", truths.size());
  calibration.set("truth", "label of the data set");
  calibration.set("accept", recipe_.training.accept);
  info.provenance.set("calibration", std::move(calibration));
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
  const torch::Tensor calm = of(features.labels.eq(neutral_));
  const torch::Tensor others = of(features.labels.ne(neutral_));
  if (calm.size(0) == 0 || others.size(0) == 0) return {};
  engine::NeutralNetwork network{.hidden = recipe_.model.hidden};
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
  for (const auto& [name, tensor] : tower_.published()) keep("visual." + name, tensor);
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
  info.name = recipe_.training.name;
  info.method = "e2n";
  info.architecture = architecture_;
  if (recipe_.training.text_tower && !learned()) {
    info.architecture.text = teacher_.bundle->info().architecture.text;
  }
  info.preprocess = preprocess_;
  info.crop = teacher_.bundle->info().crop;
  for (std::size_t c = 0; c < data_.train->classes.size(); ++c) {
    info.labels.push_back(
        {.name = data_.train->classes[c], .texts = {teacher_.prompts[c]}, .parts = {}});
  }
  info.logit_scale = teacher_.scale;
  info.licence = recipe_.training.licence;
  info.provenance = context_.provenance;
  MIEN_RETURN_IF_ERROR(calibrate(info));
  info.provenance.set("training_data", data_.train->name);
  info.provenance.set("training_samples", data_.train_view.size());
  info.provenance.set("teacher", teacher_.bundle->info().name);
  if (!recipe_.data.leave_out.empty()) info.provenance.set("left_out", recipe_.data.leave_out);
  NamedTorchTensors owned;
  MIEN_RETURN_IF_ERROR(fill_tensors(content, owned));
  content.card =
      fmt::format(kE2nCard, fmt::arg("name", info.name), fmt::arg("data", data_.train->name),
                  fmt::arg("samples", data_.train_view.size()),
                  fmt::arg("labels", fmt::join(data_.train->classes, ", ")),
                  fmt::arg("free", info.architecture.text ? "; any others in words" : ""),
                  fmt::arg("targets", learned() ? std::string("learned prototypes")
                                                : "the texts of " + teacher_.bundle->info().name));
  return engine::write_bundle(path, std::move(content), overwrite);
}

}  // namespace mien::methods
