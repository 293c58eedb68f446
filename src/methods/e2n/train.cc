// Training and validation of E2N-FER.
#include "methods/e2n/train.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>

#include "loss/e2n.h"
#include "loss/unit_rows.h"
#include "methods/e2n/augment.h"
#include "methods/kit/below_data.h"
#include "methods/kit/figures.h"
#include "methods/kit/named_tensors.h"
#include "methods/kit/tower_table.h"
#include "nn/load.h"

namespace mien::methods {
namespace {

constexpr int kE2nValidationBatch = 128;

// The losses are in float32 whatever the tower runs in: cosines are multiplied by up to 100.
class NoAutocast {
 public:
  NoAutocast() : was_on_(at::autocast::is_cpu_enabled()) { at::autocast::set_cpu_enabled(false); }
  NoAutocast(const NoAutocast&) = delete;
  NoAutocast& operator=(const NoAutocast&) = delete;
  ~NoAutocast() { at::autocast::set_cpu_enabled(was_on_); }

 private:
  bool was_on_;
};

}  // namespace

Status E2nMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load_labelled_data());
  const std::vector<std::string>& classes = data_.train->classes;
  const auto found = std::find(classes.begin(), classes.end(), training_.neutral);
  if (found != classes.end()) neutral_ = found - classes.begin();
  if (uses_neutral() && neutral_ < 0) {
    return invalid_argument(fmt::format(
        "e2n.neutral: '{}' is no class (expected one of {}, or lambda_t and lambda_c 0)",
        training_.neutral, fmt::join(classes, ", ")));
  }
  set_batch(training_.batch);
  MIEN_RETURN_IF_ERROR(prepare_model());
  return prepare_pictures();
}

Status E2nMethod::prepare_model() {
  const std::filesystem::path teacher = below_data(context_.data, model_.teacher);
  MIEN_ASSIGN_OR_RETURN(teacher_,
                        read_e2n_teacher(teacher, training_.prompt, data_.train->classes));
  const auto embed = static_cast<int>(teacher_.texts.size(1));
  MIEN_ASSIGN_OR_RETURN(architecture_, model_.architecture(embed));
  const int channels = model_.encoder == "swin" ? 3 : model_.residual.channels;
  preprocess_ = e2n_preprocess(model_.image_size, channels);
  const image::PreprocessStep& normal = preprocess_.steps.back();
  for (int c = 0; c < channels; ++c) {
    const auto at = static_cast<std::size_t>(c);
    black_.push_back(-normal.mean[at] / normal.std[at]);
  }
  torch::manual_seed(context_.seed);
  tower_ = make_image_tower(architecture_.image, architecture_.embed,
                            {.drop_path = model_.swin.drop_path});
  network_ = nn::NeutralNetwork(embed, model_.hidden);
  targets_ = learned() ? torch::randn(teacher_.texts.sizes()) : teacher_.texts;
  if (model_.init.empty()) return {};
  const std::filesystem::path path = below_data(context_.data, model_.init);
  MIEN_ASSIGN_OR_RETURN(const auto bundle, engine::Bundle::load(path));
  return load_e2n_tower(*tower_, bundle->weights()).with_prefix(path.string());
}

// Small grey pictures stay in memory; colour ones are read again for every epoch.
Status E2nMethod::prepare_pictures() {
  if (black_.size() != 1) return {};
  return read_pictures(data_, preprocess_, data_options_, context_, train_pictures_, val_pictures_);
}

std::vector<ParameterGroup> E2nMethod::begin_stage(int) {
  // One group: weight decay on everything, as released.
  ParameterGroup all{.name = "model", .parameters = {}};
  append(all.parameters, "visual.", nn::named_parameters(*tower_));
  if (uses_neutral()) append(all.parameters, "neutral.", nn::named_parameters(*network_));
  if (learned()) all.parameters.emplace_back("prototypes", targets_);
  for (const auto& [name, tensor] : all.parameters) torch::Tensor(tensor).set_requires_grad(true);
  tower_->train();
  return {std::move(all)};
}

NamedTorchTensors E2nMethod::state() {
  NamedTorchTensors out;
  append(out, "visual.", tower_->published());
  append(out, "neutral.", nn::named_parameters(*network_));
  if (learned()) out.emplace_back("prototypes", targets_);
  return out;
}

Status E2nMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  tower_->train();
  return SampleMethod::begin_epoch(stage, epoch, first_step);
}

// Shape: -> planes [channels, S, S], changed at random in training.
Result<ClipItem> E2nMethod::make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                      std::int64_t place, Rng& rng) const {
  const bool training = phase == video::SamplingPhase::kTrain;
  const int side = preprocess_.output_size();
  ClipItem out{.place = place};
  if (const PictureStore* pictures = training ? train_pictures_.get() : val_pictures_.get()) {
    const auto plane = pictures->plane(place);
    out.values.assign(plane.begin(), plane.end());
  } else {
    const SequenceReader reader{.preprocess = preprocess_, .sampling = {}};
    out.values.resize(3 * static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
    const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
    MIEN_RETURN_IF_ERROR(reader.read(manifest, sample.frames.front(), out.values));
  }
  if (training) augment_face(training_.augment, side, black_, out.values, rng);
  return out;
}

torch::Tensor E2nMethod::pixels_of(const Items& items) const {
  const std::int64_t side = preprocess_.output_size();
  return stack_items(items, {static_cast<std::int64_t>(items.size()),
                             static_cast<std::int64_t>(black_.size()), side, side});
}

Status E2nMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor features = tower_->forward(pixels_of(items)).to(torch::kFloat32);
  const NoAutocast exact;
  const loss::E2nBatch batch = {.expressions = features,
                                .neutrals = network_->forward(features),
                                .texts = targets_,
                                .labels = labels_of(*data_.train, items),
                                .neutral = neutral_};
  const torch::Tensor similarity = loss::similarity_matching(batch, teacher_.scale);
  out.loss = training_.lambda_s * similarity;
  out.values.emplace_back("similarity", similarity.item<double>());
  if (training_.lambda_t > 0) {
    const torch::Tensor value = loss::neutral_transformation(batch);
    out.loss = out.loss + training_.lambda_t * value;
    out.values.emplace_back("transformation", value.item<double>());
  }
  if (training_.lambda_c > 0) {
    const auto kind =
        training_.lc == "pairwise" ? loss::SelfContrast::kPairwise : loss::SelfContrast::kDiagonal;
    const torch::Tensor value = loss::self_contrast(batch, kind);
    out.loss = out.loss + training_.lambda_c * value;
    out.values.emplace_back("contrast", value.item<double>());
  }
  return {};
}

Result<E2nMethod::Features> E2nMethod::val_features() {
  const at::NoGradGuard no_grad;
  const bool was_training = tower_->is_training();
  tower_->eval();
  Features out;
  std::vector<torch::Tensor> rows;
  MIEN_RETURN_IF_ERROR(read_validation(kE2nValidationBatch, [&](const Items& items) -> Status {
    for (const ClipItem& item : items) {
      const auto place = static_cast<std::size_t>(item.place);
      out.labels.push_back(data_.val->samples[place].labels.front());
    }
    rows.push_back(tower_->forward(pixels_of(items)).to(torch::kFloat32));
    return {};
  }));
  tower_->train(was_training);
  out.rows = at::cat(rows);
  return out;
}

Result<NamedValues> E2nMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const Features features, val_features());
  const torch::Tensor best =
      at::matmul(features.rows, loss::unit_rows(targets_).t()).argmax(1).contiguous();
  const auto* said = best.data_ptr<std::int64_t>();
  return class_figures(data_.val->classes.size(), features.labels, {said, said + best.numel()});
}

}  // namespace mien::methods
