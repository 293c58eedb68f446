// Training of HESP.
#include "methods/hesp/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>

namespace mien::methods {
namespace {

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

}  // namespace

Status HespMethod::prepare() {
  MIEN_RETURN_IF_ERROR(load());
  preprocess_ = reader_.preprocess;
  scale_ = scale_of(preprocess_);
  // The patch comes before the normalisation.
  std::erase_if(reader_.preprocess.steps, [](const auto& step) {
    return step.kind == image::PreprocessStep::Kind::kNormalize;
  });
  MIEN_ASSIGN_OR_RETURN(model_, HespModel::make(*towers_, training_, names(), scale_,
                                                towers_->bundle().info().logit_scale));
  if (!training_.visual_prompt || training_.mask == "per_clip") return {};
  // The first clip of the first epoch decides the position of the patch in every process.
  const EpochOrder order = epoch_order(0, 0);
  Rng rng(order.seed);
  MIEN_ASSIGN_OR_RETURN(const ClipItem first, make_item(*data_.train, video::SamplingPhase::kTrain,
                                                        order.view.front(), rng));
  model_->set_place(model_->place_for(frames_of({first})[0][0]));
  return {};
}

std::vector<std::string> HespMethod::names() const {
  std::vector<std::string> out = published_names();
  if (training_.names == "alphabetical") std::sort(out.begin(), out.end());
  return out;
}

std::vector<ParameterGroup> HespMethod::begin_stage(int) { return model_->parameters(); }

Result<ClipItem> HespMethod::make_item(const data::Manifest& manifest, video::SamplingPhase phase,
                                       std::int64_t place, Rng& rng) const {
  const data::Sample& sample = manifest.samples[static_cast<std::size_t>(place)];
  MIEN_ASSIGN_OR_RETURN(const auto indices, reader_.choose(sample, phase, rng));
  const auto side = static_cast<int>(model_->side());
  const bool changes = phase == video::SamplingPhase::kTrain && training_.augment;
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

torch::Tensor HespMethod::frames_of(const Items& items) const {
  const std::int64_t side = model_->side();
  return stack_items(items,
                     {static_cast<std::int64_t>(items.size()), training_.frames, 3, side, side});
}

std::vector<PromptPlace> HespMethod::places_of(const torch::Tensor& frames) {
  std::vector<PromptPlace> out;
  if (!training_.visual_prompt || training_.mask == "per_run") return out;
  for (std::int64_t n = 0; n < frames.size(0); ++n) out.push_back(model_->place_for(frames[n][0]));
  return out;
}

Status HespMethod::forward(const Items& items, StepOutput& out) {
  const torch::Tensor frames = frames_of(items);
  const torch::Tensor features = model_->features(frames, places_of(frames));
  const HespLosses losses =
      model_->losses(features, model_->texts(), model_->points(), labels_of(*data_.train, items));
  out.loss = losses.total();
  for (const auto& [name, part] : {std::pair{"kn_ce", losses.known},
                                   {"kn_cl", losses.clustering},
                                   {"ne_ce", losses.negative},
                                   {"ne_clip", losses.negative_text},
                                   {"h", losses.joint}}) {
    if (part.defined()) out.values.emplace_back(name, part.item<double>());
  }
  return {};
}

void HespMethod::begin_scores() {
  texts_ = model_->texts();
  points_ = model_->points();
}

OpenSetLogits HespMethod::score_items(const Items& items) {
  const torch::Tensor frames = frames_of(items);
  return model_->scores(model_->features(frames, places_of(frames)), texts_, points_);
}

}  // namespace mien::methods
