#include "methods/kit/open_set_method.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "methods/kit/squeeze.h"
#include "methods/kit/unknown_rule.h"
#include "mien/text/prompts.h"

namespace mien::methods {
namespace {

constexpr int kOpenSetBatch = 32;  // clips of a pass

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

}  // namespace

torch::Tensor OpenSetLogits::joint() const {
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

void OpenSetOptions::add_known(OptionSet& set) {
  add_init(set);
  set.add("known", known,
          "Known classes, which train; the others are unknown. Empty: all, or split");
  set.add("split", split, "Published list and number of a split, for example afew:3");
  add_length(set, "Clips");
}

void OpenSetOptions::add_lengths(OptionSet& set) {
  set.add("lengths", lengths,
          "Length of embeddings: the tower's own, or the root of the logit scale",
          {"own", "matched"});
}

void OpenSetOptions::add_selection(OptionSet& set) {
  add_select(set, "auroc_oscr");
  add_accept(set, "training clips");
  add_bundle(set);
}

Status OpenSetMethod::load() {
  MIEN_ASSIGN_OR_RETURN(OpenSetData data,
                        load_open_set_data(data_options_, open_set_.known, open_set_.split,
                                           context_.data, context_.seed));
  data_ = std::move(data.data);
  open_view_ = std::move(data.open_view);
  MIEN_RETURN_IF_ERROR(load_towers());
  // A whole face, squeezed into the tower's square, as released.
  reader_.preprocess = towers_->bundle().info().preprocess;
  squeeze(reader_.preprocess);
  for (image::PreprocessStep& step : reader_.preprocess.steps) {
    if (step.kind == image::PreprocessStep::Kind::kResizeExact) {
      step.filter = image::Filter::kBilinear;
    }
  }
  reader_.sampling = {.rule = video::SamplingRule::kEightSegmentsOrFirst, .frames = run_.frames};
  set_batch(run_.batch);
  return {};
}

std::vector<std::string> OpenSetMethod::published_names() const {
  std::vector<std::string> out;
  for (const std::string& name : data_.train->classes) out.push_back(published_name(name));
  return out;
}

Result<OpenSetLogits> OpenSetMethod::score(const data::Manifest& manifest, const data::View& view,
                                           std::vector<std::int64_t>* read) {
  const at::NoGradGuard no_grad;
  begin_scores();
  std::vector<torch::Tensor> known, negative;
  const auto use = [&](const Items& items) -> Status {
    for (const ClipItem& item : items) {
      if (read != nullptr) read->push_back(item.place);
    }
    const OpenSetLogits said = score_items(items);
    if (said.known.defined()) known.push_back(said.known);
    if (said.negative.defined()) negative.push_back(said.negative);
    return {};
  };
  MIEN_RETURN_IF_ERROR(read_all(manifest, view, kOpenSetBatch, use));
  OpenSetLogits out;
  if (!known.empty()) out.known = at::cat(known);
  if (!negative.empty()) out.negative = at::cat(negative);
  return out;
}

Result<OpenSetLogits> OpenSetMethod::score_training() {
  return score(*data_.train, data_.train_view, nullptr);
}

Result<SplitAnswers> OpenSetMethod::answers() {
  SplitAnswers out;
  std::vector<std::int64_t> places;
  MIEN_ASSIGN_OR_RETURN(const OpenSetLogits closed, score(*data_.val, data_.val_view, &places));
  out.closed = closed.joint();
  for (const std::int64_t place : places) {
    out.truth.push_back(data_.val->samples[static_cast<std::size_t>(place)].labels.front());
  }
  if (open_view_.empty()) return out;
  MIEN_ASSIGN_OR_RETURN(const OpenSetLogits open, score(*data_.val, open_view_, nullptr));
  out.open = open.joint();
  return out;
}

Result<NamedValues> OpenSetMethod::validate(int, int) {
  if (data_.val_view.empty()) return NamedValues{};
  MIEN_ASSIGN_OR_RETURN(const SplitAnswers said, answers());
  return open_set_figures(said);
}

engine::BundleInfo OpenSetMethod::open_set_info(std::string_view method) const {
  engine::BundleInfo info = bundle_info(method);
  info.architecture.prompt.reset();
  info.architecture.reciprocal.reset();
  if (!open_set_.split.empty()) info.provenance.set("split", open_set_.split);
  return info;
}

Status OpenSetMethod::fit_temperature(engine::BundleInfo& info) {
  Json calibration = Json::object();
  calibration.set("data", data_.train->name);
  calibration.set("samples", data_.train_view.size());
  calibration.set("accept", run_.accept);
  info.provenance.set("calibration", std::move(calibration));
  if (data_.val_view.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const SplitAnswers said, answers());
  return methods::fit_temperature(said.closed, said.truth, info);
}

Card OpenSetMethod::card(const std::string& about, const std::string& samples,
                         const std::string& known) const {
  return {.about = about,
          .facts = {data_fact(data_, samples + " of the known classes"),
                    fmt::format("Known: {}. {}", class_names(), known),
                    fmt::format("Unknown: {} % of the training {} pass the threshold.",
                                100 * run_.accept, samples),
                    "Labels of your own are scored by the texts alone; the threshold for unknown "
                    "holds for the known classes only."}};
}

}  // namespace mien::methods
