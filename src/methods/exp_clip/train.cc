// Training of Exp-CLIP.
#include "methods/exp_clip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cmath>

#include "methods/kit/below_data.h"
#include "methods/kit/class_texts.h"
#include "methods/kit/epoch_order.h"
#include "methods/kit/figures.h"
#include "methods/kit/labelled.h"
#include "mien/loss/contrastive.h"
#include "mien/text/prompt_ensembles.h"

namespace mien::methods {
namespace {

constexpr std::size_t kExpClipValidationBatch = 256;
const std::vector<std::string> kSevenClasses = {"happiness", "sadness", "neutral", "anger",
                                                "surprise",  "disgust", "fear"};

}  // namespace

Result<std::unique_ptr<Method>> ExpClipMethod::make(const ExpClipRecipe& recipe,
                                                    const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(recipe.training.validate());
  std::unique_ptr<ExpClipMethod> out(new ExpClipMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status ExpClipMethod::prepare() {
  const ExpClipTraining& training = recipe_.training;
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(recipe_.data, context_.data, context_.seed));
  keep_labelled(*data_.val, data_.val_view);
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(below_data(context_.data, training.init)));
  for (const NamedTorchTensors& list : {towers_->image_tensors(), towers_->text_tensors()}) {
    for (const auto& [name, tensor] : list) torch::Tensor(tensor).requires_grad_(false);
  }
  MIEN_ASSIGN_OR_RETURN(
      teacher_, TeacherVectors::load(below_data(context_.data, training.teacher),
                                     below_data(context_.data, training.teacher_ids), *data_.train,
                                     data_.train_view));
  std::vector<std::string> names = training.labels;
  if (names.empty()) names = data_.val_view.empty() ? kSevenClasses : data_.val->classes;
  MIEN_ASSIGN_OR_RETURN(labels_, labels_of_classes(names));
  torch::manual_seed(context_.seed);
  // A linear layer without bias, as PyTorch starts it.
  const std::int64_t embed = towers_->architecture().embed;
  const double bound = 1 / std::sqrt(static_cast<double>(embed));
  head_ = torch::empty({teacher_.width(), embed}).uniform_(-bound, bound);
  MIEN_RETURN_IF_ERROR(prepare_cache());
  loader_ = std::make_unique<data::Loader<ClipItem>>(
      [this](std::int64_t place, Rng& rng) { return make_item(true, place, rng); },
      data::LoaderOptions{.threads = recipe_.data.threads,
                          .ahead = 2 * training.batch,
                          .max_bad_share = recipe_.data.max_bad_share,
                          .batch = training.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
  return {};
}

Result<std::vector<text::Label>> ExpClipMethod::labels_of_classes(
    const std::vector<std::string>& classes) const {
  const ExpClipTraining& training = recipe_.training;
  auto set = training.class_texts.empty()
                 ? text::prompt_ensemble(training.prompts, classes)
                 : class_texts(training.class_texts, context_.data, classes);
  if (!set.ok()) {
    return set.status().with_prefix(
        "exp-clip.prompts (exp-clip.class_texts takes a file for other classes)");
  }
  for (const text::Label& label : set->labels) {
    if (label.texts.empty()) {
      return invalid_argument(
          fmt::format("class '{}': is a compound (expected texts)", label.name));
    }
  }
  return std::move(set->labels);
}

ClipReader ExpClipMethod::reader() const {
  ClipReader out;
  out.preprocess = recipe_.training.preprocess == "init"
                       ? towers_->bundle().info().preprocess
                       : image::PreprocessSpec::dfer_clip(towers_->architecture().image.image_size);
  out.sampling = {.rule = video::SamplingRule::kExpClip, .frames = recipe_.training.frames};
  return out;
}

Status ExpClipMethod::prepare_cache() {
  FrameCacheOptions options;
  options.key = "exp-clip " + recipe_.training.init;
  options.threads = recipe_.data.threads;
  options.width = towers_->architecture().embed;
  options.tower = towers_->image_tensors();
  options.encode = [this](const torch::Tensor& pixels) { return towers_->images(pixels, true); };
  return open_caches(data_, reader(), options, context_, train_rows_, val_rows_);
}

std::vector<ParameterGroup> ExpClipMethod::begin_stage(int) {
  head_.requires_grad_(true);
  return {{.name = "projection", .parameters = {{"projection", head_}}}};
}

std::int64_t ExpClipMethod::steps_per_epoch(int) const {
  return epoch_size(data_, false) /
         (std::int64_t{recipe_.training.batch} * context_.processes.world);
}

Status ExpClipMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_, false, context_.seed, stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * recipe_.training.batch);
  return {};
}

Result<ClipItem> ExpClipMethod::make_item(bool training, std::int64_t place, Rng& rng) const {
  // It trains on pictures: the first frame of a clip.
  ClipReader clips = reader();
  const data::Manifest& manifest = training ? *data_.train : *data_.val;
  const auto frames =
      static_cast<int>(manifest.samples[static_cast<std::size_t>(place)].frames.size());
  if (training || frames == 1)
    clips.sampling = {.rule = video::SamplingRule::kUniform, .frames = 1};
  MIEN_ASSIGN_OR_RETURN(ClipItem out, read_item(manifest, place, clips, video::SamplingPhase::kTest,
                                                training ? train_rows_ : val_rows_, rng));
  const auto embed = static_cast<std::size_t>(towers_->architecture().embed);
  const std::size_t rows = out.values.size() / embed;
  std::vector<float> mean(embed);
  for (std::size_t i = 0; i < out.values.size(); ++i) mean[i % embed] += out.values[i];
  for (float& value : mean) value /= static_cast<float>(rows);
  out.values = std::move(mean);
  return out;
}

torch::Tensor ExpClipMethod::project(const torch::Tensor& rows) const {
  const torch::Tensor out = at::linear(rows, head_).to(torch::kFloat32);
  return out / out.norm(2, -1, true).clamp_min(1e-12);
}

torch::Tensor ExpClipMethod::project(const std::vector<ClipItem>& items) const {
  return project(
      stack_items(items, {static_cast<std::int64_t>(items.size()), towers_->architecture().embed}));
}

Result<torch::Tensor> ExpClipMethod::label_rows(const std::vector<text::Label>& labels) {
  std::vector<std::string> texts;
  for (const text::Label& label : labels) {
    texts.insert(texts.end(), label.texts.begin(), label.texts.end());
  }
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor rows, towers_->texts(texts));
  return project(rows);
}

Result<StepOutput> ExpClipMethod::step() {
  std::vector<ClipItem> items;
  std::vector<std::int64_t> places;
  StepOutput out;
  for (int i = 0; i < recipe_.training.batch; ++i) {
    MIEN_ASSIGN_OR_RETURN(ClipItem item, loader_->next());
    out.ids.push_back(data_.train->samples[static_cast<std::size_t>(item.place)].id);
    places.push_back(item.place);
    items.push_back(std::move(item));
  }
  out.samples = recipe_.training.batch;
  const torch::Tensor students = project(items), teachers = teacher_.rows(places);
  const torch::Tensor factor =
      torch::full({}, towers_->bundle().info().logit_scale, torch::kFloat32);
  out.loss = recipe_.training.negatives == "gathered"
                 ? loss::gathered_contrastive(students, teachers, factor, context_.processes)
                 : loss::symmetric_contrastive(students, teachers, factor);
  const at::NoGradGuard no_grad;
  const torch::Tensor found = at::matmul(students, teachers.t()).argmax(1);
  const torch::Tensor right = found.eq(torch::arange(found.size(0), torch::kInt64));
  out.values.emplace_back("match", 100 * right.to(torch::kFloat64).mean().item<double>());
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

Result<NamedValues> ExpClipMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const auto labels, labels_of_classes(data_.val->classes));
  MIEN_ASSIGN_OR_RETURN(const torch::Tensor texts, label_rows(labels));
  data::Loader<ClipItem> loader(
      [this](std::int64_t place, Rng& rng) { return make_item(false, place, rng); },
      {.threads = recipe_.data.threads, .ahead = 64, .max_bad_share = recipe_.data.max_bad_share});
  loader.start(data_.val_view, 0);
  std::vector<std::int64_t> truth, said;
  while (loader.remaining() > 0) {
    const auto total = static_cast<std::int64_t>(data_.val_view.size());
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<ClipItem> items;
    while (loader.remaining() > 0 && items.size() < kExpClipValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
    }
    // The cosines are averaged over the prompts of a class, not the embeddings.
    const torch::Tensor cosines = at::matmul(project(items), texts.t());
    std::vector<torch::Tensor> means;
    std::int64_t first = 0;
    for (const text::Label& label : labels) {
      const auto count = static_cast<std::int64_t>(label.texts.size());
      means.push_back(cosines.narrow(1, first, count).mean(1));
      first += count;
    }
    const torch::Tensor best = at::stack(means, 1).argmax(1);
    const auto* value = best.data_ptr<std::int64_t>();
    said.insert(said.end(), value, value + best.numel());
    const torch::Tensor right = labels_of(*data_.val, items);
    value = right.data_ptr<std::int64_t>();
    truth.insert(truth.end(), value, value + right.numel());
  }
  return class_figures(data_.val->classes.size(), truth, said);
}

std::string ExpClipMethod::selects_by() const {
  return recipe_.training.select == "last" ? std::string() : recipe_.training.select;
}

}  // namespace mien::methods
