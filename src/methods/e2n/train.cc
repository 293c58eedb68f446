// Training and validation of E2N-FER.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstring>

#include "methods/e2n/augment.h"
#include "methods/e2n/train.h"
#include "mien/metrics/confusion.h"
#include "mien/nn/load.h"

namespace mien::methods {
namespace {

constexpr std::int64_t kE2nValidationBatch = 128;

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

std::vector<ParameterGroup> E2nMethod::begin_stage(int) {
  // One group: weight decay on everything, as released.
  ParameterGroup all{.name = "model", .parameters = {}};
  for (const auto& [name, tensor] : nn::named_parameters(tower_.module())) {
    all.parameters.emplace_back("visual." + name, tensor);
  }
  if (uses_neutral()) {
    for (const auto& [name, tensor] : nn::named_parameters(*network_)) {
      all.parameters.emplace_back("neutral." + name, tensor);
    }
  }
  if (learned()) all.parameters.emplace_back("prototypes", targets_);
  for (const auto& [name, tensor] : all.parameters) torch::Tensor(tensor).set_requires_grad(true);
  tower_.module().train();
  return {std::move(all)};
}

NamedTorchTensors E2nMethod::state() {
  NamedTorchTensors out;
  for (const auto& [name, tensor] : tower_.published()) out.emplace_back("visual." + name, tensor);
  for (const auto& [name, tensor] : nn::named_parameters(*network_)) {
    out.emplace_back("neutral." + name, tensor);
  }
  if (learned()) out.emplace_back("prototypes", targets_);
  return out;
}

std::int64_t E2nMethod::steps_per_epoch(int) const {
  return static_cast<std::int64_t>(data_.train_view.size()) /
         (std::int64_t{recipe_.training.batch} * context_.processes.world);
}

Result<std::vector<float>> E2nMethod::read_planes(const data::Manifest& manifest,
                                                  const PictureStore* pictures,
                                                  std::int64_t place) const {
  if (pictures != nullptr) {
    const auto plane = pictures->plane(place);
    return std::vector<float>(plane.begin(), plane.end());
  }
  const auto side = static_cast<std::size_t>(preprocess_.output_size());
  std::vector<float> out(3 * side * side);
  const ClipReader reader{.preprocess = preprocess_, .sampling = {}};
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  MIEN_RETURN_IF_ERROR(reader.read(manifest, sample.frames.front(), out));
  return out;
}

Status E2nMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  const std::uint64_t seed = context_.seed * 1'000'003ULL +
                             static_cast<std::uint64_t>(stage) * 10'007ULL +
                             static_cast<std::uint64_t>(epoch);
  Rng rng(seed);
  if (!loader_) {
    loader_ = std::make_unique<data::Loader<Item>>(
        [this](std::int64_t place, Rng& own) -> Result<Item> {
          MIEN_ASSIGN_OR_RETURN(auto planes,
                                read_planes(*data_.train, train_pictures_.get(), place));
          augment_face(recipe_.training.augment, preprocess_.output_size(), black_, planes, own);
          return Item{std::move(planes), place};
        },
        data::LoaderOptions{.threads = recipe_.data.threads,
                            .ahead = 2 * recipe_.training.batch,
                            .max_bad_share = recipe_.data.max_bad_share,
                            .batch = recipe_.training.batch,
                            .rank = context_.processes.rank,
                            .world = context_.processes.world});
  }
  data::View view = data::tempered(*data_.train, data_.train_view, recipe_.training.balance, rng);
  loader_->start(data::shuffled(std::move(view), rng), seed, first_step * recipe_.training.batch);
  tower_.module().train();
  return {};
}

torch::Tensor E2nMethod::pixels_of(const std::vector<Item>& items) const {
  const std::int64_t side = preprocess_.output_size();
  torch::Tensor out = torch::empty({static_cast<std::int64_t>(items.size()),
                                    static_cast<std::int64_t>(black_.size()), side, side});
  auto* to = out.data_ptr<float>();
  for (const Item& item : items) {
    std::memcpy(to, item.planes.data(), item.planes.size() * sizeof(float));
    to += item.planes.size();
  }
  return out;
}

Result<StepOutput> E2nMethod::step() {
  StepOutput out;
  std::vector<Item> items;
  std::vector<std::int64_t> labels;
  for (int i = 0; i < recipe_.training.batch; ++i) {
    MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader_->next());
    const data::Sample& sample = data_.train->samples[static_cast<std::size_t>(items.back().place)];
    labels.push_back(sample.labels.front());
    out.ids.push_back(sample.id);
  }
  out.samples = recipe_.training.batch;
  const torch::Tensor features = tower_.forward(pixels_of(items)).to(torch::kFloat32);
  const NoAutocast exact;
  const E2nTraining& training = recipe_.training;
  const loss::E2nBatch batch = {.expressions = features,
                                .neutrals = network_->forward(features),
                                .texts = targets_,
                                .labels = torch::tensor(labels, torch::kInt64),
                                .neutral = neutral_};
  const torch::Tensor similarity = loss::similarity_matching(batch, teacher_.scale);
  out.loss = training.lambda_s * similarity;
  out.values.emplace_back("similarity", similarity.item<double>());
  if (training.lambda_t > 0) {
    const torch::Tensor value = loss::neutral_transformation(batch);
    out.loss = out.loss + training.lambda_t * value;
    out.values.emplace_back("transformation", value.item<double>());
  }
  if (training.lambda_c > 0) {
    const auto kind =
        training.lc == "pairwise" ? loss::SelfContrast::kPairwise : loss::SelfContrast::kDiagonal;
    const torch::Tensor value = loss::self_contrast(batch, kind);
    out.loss = out.loss + training.lambda_c * value;
    out.values.emplace_back("contrast", value.item<double>());
  }
  return out;
}

Result<E2nMethod::Features> E2nMethod::val_features() {
  const at::NoGradGuard no_grad;
  const bool was_training = tower_.module().is_training();
  tower_.module().eval();
  data::Loader<Item> loader(
      [this](std::int64_t place, Rng&) -> Result<Item> {
        MIEN_ASSIGN_OR_RETURN(auto planes, read_planes(*data_.val, val_pictures_.get(), place));
        return Item{std::move(planes), place};
      },
      {.threads = recipe_.data.threads,
       .ahead = 2 * static_cast<int>(kE2nValidationBatch),
       .max_bad_share = recipe_.data.max_bad_share});
  loader.start(data_.val_view, 0);
  std::vector<torch::Tensor> rows;
  std::vector<std::int64_t> labels;
  while (loader.remaining() > 0) {
    const auto total = static_cast<std::int64_t>(data_.val_view.size());
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<Item> items;
    for (std::int64_t i = std::min(kE2nValidationBatch, loader.remaining()); i > 0; --i) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
      labels.push_back(
          data_.val->samples[static_cast<std::size_t>(items.back().place)].labels.front());
    }
    rows.push_back(tower_.forward(pixels_of(items)).to(torch::kFloat32));
  }
  tower_.module().train(was_training);
  return Features{at::cat(rows), torch::tensor(labels, torch::kInt64)};
}

Result<NamedValues> E2nMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const Features features, val_features());
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-12); };
  const torch::Tensor said = at::matmul(features.rows, unit(targets_).t()).argmax(1);
  metrics::ConfusionMatrix counts(static_cast<std::size_t>(targets_.size(0)));
  for (std::int64_t i = 0; i < said.size(0); ++i) {
    counts.add(static_cast<std::size_t>(features.labels[i].item<std::int64_t>()),
               static_cast<std::size_t>(said[i].item<std::int64_t>()));
  }
  MIEN_ASSIGN_OR_RETURN(const double war, metrics::weighted_average_recall(counts));
  MIEN_ASSIGN_OR_RETURN(const metrics::ClassMean uar, metrics::unweighted_average_recall(counts));
  return NamedValues{{"war", war}, {"uar", uar.percent}};
}

}  // namespace mien::methods
