// Training of Exp-CLIP.
#include "methods/exp_clip/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <cmath>

#include "methods/kit/below_data.h"
#include "methods/kit/class_texts.h"
#include "methods/kit/labelled.h"
#include "mien/loss/contrastive.h"
#include "text/prompt_ensembles.h"

namespace mien::methods {
namespace {

const std::vector<std::string> kSevenClasses = {"happiness", "sadness", "neutral", "anger",
                                                "surprise",  "disgust", "fear"};

}  // namespace

Status ExpClipMethod::prepare() {
  // Training samples need no label; validation samples do.
  MIEN_ASSIGN_OR_RETURN(data_, load_training_data(data_options_, context_.data, context_.seed));
  keep_labelled(*data_.val, data_.val_view);
  MIEN_RETURN_IF_ERROR(load_towers());
  MIEN_ASSIGN_OR_RETURN(
      teacher_, TeacherVectors::load(below_data(context_.data, training_.teacher),
                                     below_data(context_.data, training_.teacher_ids), *data_.train,
                                     data_.train_view));
  std::vector<std::string> names = training_.labels;
  if (names.empty()) names = data_.val_view.empty() ? kSevenClasses : data_.val->classes;
  MIEN_ASSIGN_OR_RETURN(labels_, labels_of_classes(names));
  // A linear layer without bias, as PyTorch starts it.
  const std::int64_t embed = towers_->architecture().embed;
  const double bound = 1 / std::sqrt(static_cast<double>(embed));
  head_ = torch::empty({teacher_.width(), embed}).uniform_(-bound, bound);
  set_batch(training_.batch);
  return cache_frames("exp-clip");
}

Result<std::vector<text::Label>> ExpClipMethod::labels_of_classes(
    const std::vector<std::string>& classes) const {
  auto set = training_.class_texts.empty()
                 ? text::prompt_ensemble(training_.prompts, classes)
                 : class_texts(training_.class_texts, context_.data, classes);
  if (!set.ok()) {
    return set.status().with_prefix(
        "exp-clip.prompts (exp-clip.class_texts takes a file for other classes)");
  }
  for (const text::Label& label : set->labels) {
    if (label.texts.empty()) {
      return invalid_argument(fmt::format(
          "class '{}': compound classes are not supported (expected texts)", label.name));
    }
  }
  return std::move(set->labels);
}

SequenceReader ExpClipMethod::reader() const {
  SequenceReader out;
  out.preprocess = preprocess_as(training_.preprocess);
  out.sampling = {.rule = video::SamplingRule::kCentresOrFirst, .frames = training_.frames};
  return out;
}

std::vector<ParameterGroup> ExpClipMethod::begin_stage(int) {
  head_.requires_grad_(true);
  return {{.name = "projection", .parameters = {{"projection", head_}}}};
}

Result<ClipItem> ExpClipMethod::make_item(const data::Manifest& manifest,
                                          video::SamplingPhase phase, std::int64_t place,
                                          Rng& rng) const {
  // It trains on pictures: the first frame of a clip.
  SequenceReader clips = reader();
  const auto frames =
      static_cast<int>(manifest.samples[static_cast<std::size_t>(place)].frames.size());
  if (phase == video::SamplingPhase::kTrain || frames == 1) {
    clips.sampling = {.rule = video::SamplingRule::kUniform, .frames = 1};
  }
  MIEN_ASSIGN_OR_RETURN(ClipItem out,
                        read_as(clips, manifest, video::SamplingPhase::kTest, place, rng));
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

torch::Tensor ExpClipMethod::project(const Items& items) const {
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

Status ExpClipMethod::forward(const Items& items, StepOutput& out) {
  std::vector<std::int64_t> places;
  for (const ClipItem& item : items) places.push_back(item.place);
  const torch::Tensor students = project(items), teachers = teacher_.rows(places);
  const torch::Tensor factor =
      torch::full({}, towers_->bundle().info().logit_scale, torch::kFloat32);
  out.loss = training_.negatives == "gathered"
                 ? loss::gathered_contrastive(students, teachers, factor, context_.processes)
                 : loss::symmetric_contrastive(students, teachers, factor);
  const at::NoGradGuard no_grad;
  const torch::Tensor found = at::matmul(students, teachers.t()).argmax(1);
  const torch::Tensor right = found.eq(torch::arange(found.size(0), torch::kInt64));
  out.values.emplace_back("match", 100 * right.to(torch::kFloat64).mean().item<double>());
  return {};
}

Status ExpClipMethod::begin_scores() {
  MIEN_ASSIGN_OR_RETURN(val_labels_, labels_of_classes(data_.val->classes));
  MIEN_ASSIGN_OR_RETURN(val_texts_, label_rows(val_labels_));
  return {};
}

// The cosines are averaged over the prompts of a class, not the embeddings.
torch::Tensor ExpClipMethod::score_items(const Items& items) {
  const torch::Tensor cosines = at::matmul(project(items), val_texts_.t());
  std::vector<torch::Tensor> means;
  std::int64_t first = 0;
  for (const text::Label& label : val_labels_) {
    const auto count = static_cast<std::int64_t>(label.texts.size());
    means.push_back(cosines.narrow(1, first, count).mean(1));
    first += count;
  }
  return at::stack(means, 1);
}

}  // namespace mien::methods
