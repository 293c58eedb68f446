// What HESP and ARPL share: data, frozen towers, figures, the description of a bundle.
#include "methods/kit/open_set_method.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <array>

#include "methods/kit/below_data.h"
#include "methods/kit/epoch_order.h"
#include "mien/metrics/calibration.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr std::size_t kOpenSetValidationBatch = 32;

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

torch::Tensor OpenSetScores::joint() const {
  if (!negative.defined()) return known;
  return known.defined() ? (known + negative) / 2 : negative;
}

double released_threshold(const torch::Tensor& scores, double accept) {
  const torch::Tensor sorted =
      std::get<0>(scores.to(torch::kFloat64).sort(0, /*descending=*/true)).contiguous();
  const auto count = static_cast<double>(sorted.numel());
  const auto place = std::min(static_cast<std::int64_t>(accept * count), sorted.numel() - 1);
  return sorted[place].item<double>();
}

Status OpenSetMethod::load(const OpenSetSettings& settings) {
  settings_ = settings;
  MIEN_ASSIGN_OR_RETURN(data_, load_open_set_data(data_options_, settings.known, settings.split,
                                                  context_.data, context_.seed));
  const std::filesystem::path init = below_data(context_.data, settings.init);
  MIEN_ASSIGN_OR_RETURN(towers_, Towers::load(init));
  for (const auto& tensors : {towers_->image_tensors(), towers_->text_tensors()}) {
    for (const auto& item : tensors) torch::Tensor(item.second).requires_grad_(false);
  }
  preprocess_ = towers_->bundle().info().preprocess;
  squeeze(preprocess_);
  reader_.preprocess = preprocess_;
  reader_.sampling = {.rule = video::SamplingRule::kHesp, .frames = settings.frames};
  torch::manual_seed(context_.seed);
  return {};
}

std::vector<std::string> OpenSetMethod::published_names() const {
  std::vector<std::string> out;
  for (const std::string& name : data_.classes) out.push_back(published_name(name));
  return out;
}

void OpenSetMethod::start_loader() {
  const bool alone = context_.processes.world == 1;  // the last, smaller batch counts then
  loader_ = std::make_unique<data::Loader<ClipItem>>(
      [this](std::int64_t place, Rng& rng) {
        return make_item(*data_.data.train, video::SamplingPhase::kTrain, place, rng);
      },
      data::LoaderOptions{.threads = data_options_.threads,
                          .ahead = 2 * settings_.batch,
                          .max_bad_share = data_options_.max_bad_share,
                          .batch = alone ? 1 : settings_.batch,
                          .rank = context_.processes.rank,
                          .world = context_.processes.world});
}

std::int64_t OpenSetMethod::steps_per_epoch(int) const {
  const auto count = static_cast<std::int64_t>(data_.data.train_view.size());
  const std::int64_t batch = settings_.batch;
  const std::int64_t world = context_.processes.world;
  return world == 1 ? (count + batch - 1) / batch : count / (batch * world);
}

Status OpenSetMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  EpochOrder order = epoch_order(data_.data, false, context_.seed, stage, epoch);
  loader_->start(std::move(order.view), order.seed, first_step * settings_.batch);
  return {};
}

Result<std::vector<ClipItem>> OpenSetMethod::next_batch(StepOutput& out) {
  std::vector<ClipItem> items;
  for (int i = 0; i < settings_.batch && loader_->remaining() > 0; ++i) {
    MIEN_ASSIGN_OR_RETURN(ClipItem item, loader_->next());
    out.ids.push_back(data_.data.train->samples[static_cast<std::size_t>(item.place)].id);
    items.push_back(std::move(item));
  }
  if (items.empty()) return internal_error("open set: a step without clips");
  out.samples = static_cast<std::int64_t>(items.size());
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return items;
}

Result<OpenSetScores> OpenSetMethod::score(const data::Manifest& manifest, const data::View& view,
                                           std::vector<std::int64_t>* read) {
  const at::NoGradGuard no_grad;
  data::Loader<ClipItem> loader(
      [&](std::int64_t place, Rng& rng) {
        return make_item(manifest, video::SamplingPhase::kTest, place, rng);
      },
      {.threads = data_options_.threads,
       .ahead = 64,
       .max_bad_share = data_options_.max_bad_share});
  loader.start(view, 0);
  begin_scores();
  std::vector<torch::Tensor> known, negative;
  const auto total = static_cast<std::int64_t>(view.size());
  while (loader.remaining() > 0) {
    MIEN_RETURN_IF_ERROR(context_.validating(total - loader.remaining(), total));
    std::vector<ClipItem> items;
    while (loader.remaining() > 0 && items.size() < kOpenSetValidationBatch) {
      MIEN_ASSIGN_OR_RETURN(items.emplace_back(), loader.next());
      if (read != nullptr) read->push_back(items.back().place);
    }
    const OpenSetScores said = score_items(items);
    if (said.known.defined()) known.push_back(said.known);
    if (said.negative.defined()) negative.push_back(said.negative);
  }
  OpenSetScores out;
  if (!known.empty()) out.known = at::cat(known);
  if (!negative.empty()) out.negative = at::cat(negative);
  return out;
}

Result<OpenSetAnswers> OpenSetMethod::answers() {
  OpenSetAnswers out;
  std::vector<std::int64_t> places;
  MIEN_ASSIGN_OR_RETURN(const OpenSetScores closed,
                        score(*data_.data.val, data_.data.val_view, &places));
  out.closed = closed.joint();
  for (const std::int64_t place : places) {
    out.truth.push_back(data_.data.val->samples[static_cast<std::size_t>(place)].labels.front());
  }
  if (data_.open_view.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const OpenSetScores open, score(*data_.data.val, data_.open_view, nullptr));
  out.open = open.joint();
  return out;
}

Result<NamedValues> OpenSetMethod::validate(int, int) {
  if (data_.data.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const OpenSetAnswers said, answers());
  return open_set_figures(said);
}

std::string OpenSetMethod::selects_by() const {
  return settings_.select == "last" ? std::string() : settings_.select;
}

engine::BundleInfo OpenSetMethod::bundle_info(std::string_view method, const std::string& name,
                                              const std::string& licence) const {
  const engine::BundleInfo& from = towers_->bundle().info();
  engine::BundleInfo info;
  info.name = name.empty() ? fmt::format("{}-{}", method, data_.data.train->name) : name;
  info.method = method;
  info.architecture = from.architecture;
  info.architecture.temporal.reset();
  info.preprocess = preprocess_;
  info.crop = from.crop;
  info.sampling = reader_.sampling;
  info.licence = licence.empty() ? from.licence : licence;
  info.provenance = context_.provenance;
  info.provenance.set("init", from.name);
  info.provenance.set("training_data", data_.data.train->name);
  info.provenance.set("training_samples", data_.data.train_view.size());
  if (!settings_.split.empty()) info.provenance.set("split", settings_.split);
  return info;
}

Status OpenSetMethod::fit_temperature(double accept, engine::BundleInfo& info) {
  Json calibration = Json::object();
  calibration.set("data", data_.data.train->name);
  calibration.set("samples", data_.data.train_view.size());
  calibration.set("accept", accept);
  info.provenance.set("calibration", std::move(calibration));
  if (data_.data.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const OpenSetAnswers said, answers());
  const torch::Tensor logits = said.closed.to(torch::kFloat64).contiguous();
  const std::vector<int> truth(said.truth.begin(), said.truth.end());
  MIEN_ASSIGN_OR_RETURN(info.temperature, metrics::fit_temperature(
                                              std::span(logits.data_ptr<double>(),
                                                        static_cast<std::size_t>(logits.numel())),
                                              data_.classes.size(), truth));
  return {};
}

}  // namespace mien::methods
