// Training of HESP.
#include "methods/hesp_run.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "methods/epoch_order.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::size_t kValidationBatch = 32;

// The names of the released list; other classes keep their own.
constexpr std::array<std::string_view, 11> kNames = {
    "Angry",    "Disgust",  "Fear",    "Happy",        "Neutral",       "Sad",
    "Surprise", "Contempt", "Anxiety", "Helplessness", "Disappointment"};

std::string published_name(const std::string& name) {
  const std::string_view meaning = text::builtin_label_of(name);
  for (const std::string_view published : kNames) {
    if (!meaning.empty() && text::builtin_label_of(published) == meaning) {
      return std::string(published);
    }
  }
  return name;
}

// The released random crop: a share of the area from 0.08, sides 3:4 to 4:3, turned half of the
// time; the whole picture after ten attempts that do not fit.
data::RandomView draw_crop(int side, Rng& rng) {
  data::RandomView out;
  const auto whole = static_cast<double>(side);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = rng.uniform(0.08, 1) * whole * whole, aspect = rng.uniform(0.75, 4.0 / 3);
    double width = std::round(std::sqrt(area * aspect));
    double height = std::round(std::sqrt(area / aspect));
    if (rng.uniform() < 0.5) std::swap(width, height);
    if (width > whole || height > whole || width < 1 || height < 1) continue;
    out.crops = true;
    out.width = width / whole;
    out.height = height / whole;
    out.x = rng.uniform();
    out.y = rng.uniform();
    break;
  }
  return out;
}

// A whole face, squeezed into the tower's square, as released.
void squeeze(image::PreprocessSpec& spec) {
  using Kind = image::PreprocessStep::Kind;
  std::erase_if(spec.steps, [](const auto& step) { return step.kind == Kind::kCenterCrop; });
  for (auto& step : spec.steps) {
    if (step.kind == Kind::kResizeShorter) step.kind = Kind::kResizeExact;
    if (step.kind == Kind::kResizeExact) step.filter = image::Filter::kBilinear;
  }
}

}  // namespace

Result<std::unique_ptr<Method>> HespMethod::make(const HespRecipe& recipe,
                                                 const MethodContext& context) {
  MIEN_RETURN_IF_ERROR(recipe.training.validate());
  std::unique_ptr<HespMethod> out(new HespMethod(recipe, context));
  MIEN_RETURN_IF_ERROR(out->prepare());
  return std::unique_ptr<Method>(std::move(out));
}

Status HespMethod::prepare() {
  const HespTraining& training = recipe_.training;
  MIEN_ASSIGN_OR_RETURN(data_, load_open_set_data(recipe_.data, training.known, training.split,
                                                  context_.data, context_.seed));
  std::filesystem::path init = training.init;
  if (init.is_relative() && !std::filesystem::exists(init)) init = context_.data / init;
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(init));
  for (const auto& tensors : {towers_->image_tensors(), towers_->text_tensors()}) {
    for (const auto& item : tensors) torch::Tensor(item.second).requires_grad_(false);
  }
  preprocess_ = towers_->bundle().info().preprocess;
  squeeze(preprocess_);
  scale_ = scale_of(preprocess_);
  reader_.preprocess = preprocess_;
  std::erase_if(reader_.preprocess.steps, [](const auto& step) {
    return step.kind == image::PreprocessStep::Kind::kNormalize;
  });
  reader_.sampling = {.rule = video::SamplingRule::kHesp, .frames = training.frames};
  torch::manual_seed(context_.seed);
  MIEN_ASSIGN_OR_RETURN(model_, HespModel::make(*towers_, training, names(), scale_,
                                                towers_->bundle().info().logit_scale));
  const bool alone = context_.processes.world == 1;  // the last, smaller batch counts then
  loader_ = std::make_unique<data::Loader<ClipItem>>(
      [this](std::int64_t place, Rng& rng) {
        return make_item(*data_.data.train, true, place, rng);
      },
      data::LoaderOptions{.threads = recipe_.data.threads,
                          .ahead = 2 * training.batch,
                          .max_bad_share = recipe_.data.max_bad_share,
                          .batch = alone ? 1 : training.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
  if (!training.visual_prompt || training.mask == "per_clip") return {};
  // The first clip of the first epoch decides where the patch lies, in every process.
  const EpochOrder order = epoch_order(data_.data, false, context_.seed, 0, 0);
  Rng rng(order.seed);
  MIEN_ASSIGN_OR_RETURN(const ClipItem first,
                        make_item(*data_.data.train, true, order.view.front(), rng));
  model_->set_place(model_->place_for(frames_of({first})[0][0]));
  return {};
}

std::vector<std::string> HespMethod::names() const {
  std::vector<std::string> out;
  for (const std::string& name : data_.classes) out.push_back(published_name(name));
  if (recipe_.training.names == "alphabetical") std::sort(out.begin(), out.end());
  return out;
}

std::vector<ParameterGroup> HespMethod::begin_stage(int) { return model_->parameters(); }

std::int64_t HespMethod::steps_per_epoch(int) const {
  const auto count = static_cast<std::int64_t>(data_.data.train_view.size());
  const std::int64_t batch = recipe_.training.batch;
  const std::int64_t world = context_.processes.world;
  return world == 1 ? (count + batch - 1) / batch : count / (batch * world);
}

Status HespMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_.data, false, context_.seed, stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * recipe_.training.batch);
  return {};
}

Result<ClipItem> HespMethod::make_item(const data::Manifest& manifest, bool training,
                                       std::int64_t place, Rng& rng) const {
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  const auto phase = training ? video::SamplingPhase::kTrain : video::SamplingPhase::kTest;
  MIEN_ASSIGN_OR_RETURN(const auto indices, reader_.choose(sample, phase, rng));
  const auto side = static_cast<int>(model_->side());
  const bool changes = training && recipe_.training.augment;
  const data::Augmentation mirror{.flip = changes && rng.uniform() < 0.5};
  const data::RandomView view = changes ? draw_crop(side, rng) : data::RandomView{};
  const auto each = static_cast<std::size_t>(3 * side * side);
  ClipItem out{std::vector<float>(indices.size() * each), place};
  std::int64_t read = -1;
  for (std::size_t f = 0; f < indices.size(); ++f) {
    const std::span<float> planes = std::span(out.values).subspan(f * each, each);
    if (indices[f] == read) {  // a short clip repeats its first frame
      std::copy_n(planes.data() - each, each, planes.data());
      continue;
    }
    read = indices[f];
    MIEN_RETURN_IF_ERROR(
        reader_.read(manifest, sample.frames[static_cast<std::size_t>(read)], planes));
    if (mirror.flip) data::augment(mirror, side, planes, rng);
    if (view.crops) data::crop(view, side, planes);
  }
  return out;
}

torch::Tensor HespMethod::frames_of(const std::vector<ClipItem>& items) const {
  const std::int64_t side = model_->side();
  return stack_items(
      items, {static_cast<std::int64_t>(items.size()), recipe_.training.frames, 3, side, side});
}

std::vector<PromptPlace> HespMethod::places_of(const torch::Tensor& frames) {
  std::vector<PromptPlace> out;
  if (!recipe_.training.visual_prompt || recipe_.training.mask == "per_run") return out;
  for (std::int64_t n = 0; n < frames.size(0); ++n) out.push_back(model_->place_for(frames[n][0]));
  return out;
}

Result<StepOutput> HespMethod::step() {
  std::vector<ClipItem> items;
  StepOutput out;
  for (int i = 0; i < recipe_.training.batch && loader_->remaining() > 0; ++i) {
    MIEN_ASSIGN_OR_RETURN(ClipItem item, loader_->next());
    out.ids.push_back(data_.data.train->samples[static_cast<std::size_t>(item.place)].id);
    items.push_back(std::move(item));
  }
  if (items.empty()) return internal_error("hesp: a step without clips");
  out.samples = static_cast<std::int64_t>(items.size());
  const torch::Tensor frames = frames_of(items);
  const torch::Tensor features = model_->features(frames, places_of(frames));
  const HespLosses losses = model_->losses(features, model_->texts(), model_->points(),
                                           labels_of(*data_.data.train, items));
  out.loss = losses.total();
  for (const auto& [name, part] : {std::pair{"kn_ce", losses.known},
                                   {"kn_cl", losses.clustering},
                                   {"ne_ce", losses.negative},
                                   {"ne_clip", losses.negative_text},
                                   {"h", losses.joint}}) {
    if (part.defined()) out.values.emplace_back(name, part.item<double>());
  }
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

Result<HespScores> HespMethod::score(const data::Manifest& manifest, const data::View& view,
                                     std::vector<std::int64_t>* read) {
  const at::NoGradGuard no_grad;
  data::Loader<ClipItem> loader(
      [&](std::int64_t place, Rng& rng) { return make_item(manifest, false, place, rng); },
      {.threads = recipe_.data.threads, .ahead = 64, .max_bad_share = recipe_.data.max_bad_share});
  loader.start(view, 0);
  const torch::Tensor texts = model_->texts(), points = model_->points();
  std::vector<torch::Tensor> known, negative;
  while (loader.remaining() > 0) {
    std::vector<ClipItem> items;
    while (loader.remaining() > 0 && items.size() < kValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
      if (read != nullptr) read->push_back(items.back().place);
    }
    const torch::Tensor frames = frames_of(items);
    const HespScores said =
        model_->scores(model_->features(frames, places_of(frames)), texts, points);
    known.push_back(said.known);
    if (said.negative.defined()) negative.push_back(said.negative);
  }
  HespScores out;
  if (!known.empty()) out.known = at::cat(known);
  if (!negative.empty()) out.negative = at::cat(negative);
  return out;
}

Result<OpenSetAnswers> HespMethod::answers() {
  OpenSetAnswers out;
  std::vector<std::int64_t> places;
  MIEN_ASSIGN_OR_RETURN(const HespScores closed,
                        score(*data_.data.val, data_.data.val_view, &places));
  out.closed = closed.joint();
  for (const std::int64_t place : places) {
    out.truth.push_back(data_.data.val->samples[static_cast<std::size_t>(place)].labels.front());
  }
  if (data_.open_view.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const HespScores open, score(*data_.data.val, data_.open_view, nullptr));
  out.open = open.joint();
  return out;
}

Result<NamedValues> HespMethod::validate(int, int) {
  if (data_.data.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const OpenSetAnswers said, answers());
  return open_set_figures(said);
}

std::string HespMethod::selects_by() const {
  return recipe_.training.select == "last" ? std::string() : recipe_.training.select;
}

}  // namespace mien::methods
