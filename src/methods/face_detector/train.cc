// Training of a detector of faces.
#include "methods/face_detector/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "methods/face_detector/losses.h"
#include "methods/face_detector/targets.h"
#include "methods/kit/below_data.h"
#include "methods/kit/epoch_seed.h"

namespace mien::methods {
namespace {

constexpr int kBatchesAhead = 3;
constexpr double kLeastScore = 0.05;  // of a box that validation looks at
constexpr double kBoxOverlap = 0.3;
constexpr int kRealSide = 640;        // longer side of whole pictures that validate
constexpr float kTeacherFace = 0.5F;  // from which score on the teacher's box is a face there
constexpr float kTeacherDoubt = 0.2F;
constexpr std::uint64_t kValidationSeed = 77, kStatisticsSeed = 78;
constexpr int kStatisticsBatches = 24;

Rng numbered(std::uint64_t seed, std::int64_t number) {
  return Rng(seed * 1'000'003ULL + static_cast<std::uint64_t>(number));
}

// uint8 [1, H, W, 3], continued in black to whole places.
torch::Tensor padded_pixels(const image::Image& picture, std::int64_t multiple) {
  const auto whole = [&](std::int64_t size) { return (size + multiple - 1) / multiple * multiple; };
  torch::Tensor out =
      torch::zeros({1, whole(picture.height()), whole(picture.width()), 3}, torch::kUInt8);
  const std::int64_t line = out.size(2) * 3;
  for (int y = 0; y < picture.height(); ++y) {
    std::memcpy(out.data_ptr<std::uint8_t>() + y * line, picture.row(y),
                3 * static_cast<std::size_t>(picture.width()));
  }
  return out;
}

}  // namespace

Status FaceDetectorMethod::prepare() {
  MIEN_ASSIGN_OR_RETURN(const engine::PyramidSizes sizes, recipe_.network.sizes());
  MIEN_ASSIGN_OR_RETURN(
      teacher_, engine::DetectorBundle::load(below_data(context_.data, recipe_.training.teacher)));
  const engine::PyramidSizes& taught = teacher_->info().sizes;
  for (int l = 0; l < sizes.levels; ++l) {
    if (taught.levels == sizes.levels && taught.stride(l) == sizes.stride(l)) continue;
    return invalid_argument(
        fmt::format("{}: its levels do not match those of the network (expected {} levels, the "
                    "finest with a stride of {} pixels)",
                    recipe_.training.teacher, sizes.levels, sizes.stride(0)));
  }
  MIEN_ASSIGN_OR_RETURN(auto bank, FaceBank::open(recipe_.faces, *teacher_, context_));
  MIEN_ASSIGN_OR_RETURN(sources_,
                        load_scene_sources(recipe_.faces, std::move(bank), *teacher_, context_));
  MIEN_RETURN_IF_ERROR(load_real_pictures());
  torch::manual_seed(context_.seed);
  network_ = PyramidNet(sizes);
  grid_ = place_grid(sizes, recipe_.scenes.side, recipe_.scenes.side);
  if (context_.log) {
    context_.log(LogLevel::kInfo,
                 fmt::format("faces: {} train, {} validate; backgrounds: {} and {}; frames: {}; "
                             "pictures that validate: {}",
                             sources_.bank->size(false), sources_.bank->size(true),
                             sources_.backgrounds[0].size(), sources_.backgrounds[1].size(),
                             sources_.frames.size(), real_.size()));
  }
  return {};
}

Status FaceDetectorMethod::load_real_pictures() {
  for (const std::string& name : recipe_.faces.val_pictures) {
    MIEN_ASSIGN_OR_RETURN(const auto some, list_pictures(below_data(context_.data, name), true));
    real_.insert(real_.end(), some.begin(), some.end());
  }
  return {};
}

std::vector<ParameterGroup> FaceDetectorMethod::begin_stage(int) {
  ParameterGroup decayed{.name = "weights", .parameters = {}};
  ParameterGroup plain{.name = "norms", .parameters = {}, .weight_decay = 0.0};
  for (const auto& item : network_->named_parameters()) {
    (item.value().dim() > 1 ? decayed : plain).parameters.emplace_back(item.key(), item.value());
    torch::Tensor(item.value()).set_requires_grad(true);
  }
  return {std::move(decayed), std::move(plain)};
}

std::int64_t FaceDetectorMethod::steps_per_epoch(int) const {
  return recipe_.training.scenes / (recipe_.training.batch * context_.processes.world);
}

Status FaceDetectorMethod::begin_epoch(int stage, int epoch, std::int64_t first_step) {
  network_->train();
  if (!loader_) {
    loader_ = std::make_unique<data::Loader<TaughtScene>>(
        [this](std::int64_t, Rng& rng) { return make(rng); },
        data::LoaderOptions{.threads = recipe_.faces.threads,
                            .ahead = kBatchesAhead * recipe_.training.batch,
                            .max_bad_share = recipe_.faces.max_bad_share,
                            .batch = recipe_.training.batch,
                            .rank = context_.processes.rank,
                            .world = context_.processes.world});
  }
  data::View order(static_cast<std::size_t>(recipe_.training.scenes));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  loader_->start(std::move(order), epoch_seed(context_.seed, stage, epoch),
                 first_step * recipe_.training.batch);
  return {};
}

Result<TaughtScene> FaceDetectorMethod::make(Rng& rng) const {
  MIEN_ASSIGN_OR_RETURN(const Scene scene, make_scene(recipe_.scenes, sources_, rng));
  engine::PyramidScratch scratch;
  const auto maps = teacher_->network().run(scene.picture, scratch);
  return TaughtScene{.pixels = scene.picture.pixels(), .targets = make_targets(scene, maps)};
}

torch::Tensor FaceDetectorMethod::answers(const torch::Tensor& pixels) {
  return network_->forward(pixels.permute({0, 3, 1, 2}));
}

Result<StepOutput> FaceDetectorMethod::step() {
  StepOutput out;
  const std::int64_t batch = recipe_.training.batch, side = recipe_.scenes.side;
  const torch::Tensor pixels = torch::empty({batch, side, side, 3}, torch::kUInt8);
  const torch::Tensor targets = torch::empty({batch, grid_.size(0), kTargetWidth});
  for (std::int64_t i = 0; i < batch; ++i) {
    out.ids.push_back(fmt::format("picture {}", recipe_.training.scenes - loader_->remaining()));
    MIEN_ASSIGN_OR_RETURN(const TaughtScene scene, loader_->next());
    std::memcpy(pixels[i].data_ptr(), scene.pixels.data(), scene.pixels.size());
    std::memcpy(targets[i].data_ptr(), scene.targets.data(), scene.targets.size() * sizeof(float));
  }
  out.samples = batch;
  out.loss = detection_loss(answers(pixels), targets, grid_, recipe_.training, out.values);
  if (loader_->bad() > 0) {
    out.values.emplace_back("unreadable", static_cast<double>(loader_->bad()));
  }
  return out;
}

torch::Tensor detection_loss(const torch::Tensor& answers, const torch::Tensor& targets,
                             const torch::Tensor& grid, const FaceDetectorTraining& weights,
                             NamedValues& parts) {
  const torch::Tensor score = targets.select(2, 0), score_weight = targets.select(2, 1);
  const torch::Tensor total = (score * score_weight).sum().clamp_min(1);
  const torch::Tensor score_loss = quality_focal(answers.select(2, 0), score, score_weight) / total;
  const torch::Tensor rows = (targets.select(2, 2) > 0).reshape({-1}).nonzero().select(1, 0);
  const torch::Tensor places = at::remainder(rows, grid.size(0));
  const torch::Tensor shapes = targets.reshape({-1, kTargetWidth}).index_select(0, rows);
  const FaceAnswers said = decode_answers(
      answers.reshape({-1, kPlaceAnswers}).index_select(0, rows), grid.index_select(0, places));
  const torch::Tensor weight = shapes.select(1, 2), boxes = shapes.narrow(1, 3, 4);
  const torch::Tensor shape_total = weight.sum().clamp_min(1);
  const torch::Tensor box_loss =
      (efficient_iou_loss(said.boxes, boxes) * weight).sum() / shape_total;
  const torch::Tensor sides = boxes.narrow(1, 2, 2).prod(1).sqrt();
  const torch::Tensor points =
      (point_loss(said.points, shapes.narrow(1, 7, 10), sides) * weight).sum() / shape_total;
  parts.emplace_back("score_loss", score_loss.item<double>());
  parts.emplace_back("box_loss", box_loss.item<double>());
  parts.emplace_back("point_loss", points.item<double>());
  return score_loss + weights.box_weight * box_loss + weights.point_weight * points;
}

Status FaceDetectorMethod::measure_statistics() {
  const std::int64_t batch = recipe_.training.batch, side = recipe_.scenes.side;
  const torch::Tensor pixels = torch::empty({batch, side, side, 3}, torch::kUInt8);
  network_->train();
  for (std::int64_t n = 0; n < kStatisticsBatches; ++n) {
    for (std::int64_t i = 0; i < batch; ++i) {
      Rng rng = numbered(kStatisticsSeed, n * batch + i);
      MIEN_ASSIGN_OR_RETURN(const Scene scene, make_scene(recipe_.scenes, sources_, rng));
      std::memcpy(pixels[i].data_ptr(), scene.picture.pixels().data(),
                  scene.picture.pixels().size());
    }
    network_->set_momentum(1.0 / static_cast<double>(n + 1));
    answers(pixels);
  }
  network_->reset_momentum();
  return {};
}

Result<RecallMeter> FaceDetectorMethod::measure_composed() {
  RecallMeter out;
  const std::int64_t count = recipe_.training.val_scenes;
  for (std::int64_t i = 0; i < count; ++i) {
    MIEN_RETURN_IF_ERROR(context_.validating(i, count));
    Rng rng = numbered(kValidationSeed, i);
    MIEN_ASSIGN_OR_RETURN(const Scene scene, compose_scene(recipe_.scenes, sources_, true, rng));
    const torch::Tensor said = answers(padded_pixels(scene.picture, 1))[0];
    out.add(faces_of(said, grid_, kLeastScore, kBoxOverlap), scene.faces);
  }
  return out;
}

// Against the teacher; where it is in doubt, the network may be as well.
Result<RecallMeter> FaceDetectorMethod::measure_pictures() {
  RecallMeter out;
  const engine::PyramidSizes& sizes = network_->sizes();
  const auto count = static_cast<std::int64_t>(real_.size());
  for (std::int64_t i = 0; i < count; ++i) {
    MIEN_RETURN_IF_ERROR(context_.validating(i, count));
    MIEN_ASSIGN_OR_RETURN(image::Image picture, real_[static_cast<std::size_t>(i)].read());
    picture = at_most(std::move(picture), kRealSide);
    std::vector<SceneFace> truth;
    for (const face::Detection& one : ask_teacher(*teacher_, picture, kTeacherDoubt)) {
      truth.push_back({.face = one, .sure = one.score >= kTeacherFace});
    }
    const torch::Tensor pixels = padded_pixels(picture, sizes.stride(sizes.levels - 1));
    const torch::Tensor grid = place_grid(sizes, pixels.size(1), pixels.size(2));
    out.add(faces_of(answers(pixels)[0], grid, kLeastScore, kBoxOverlap), truth);
  }
  return out;
}

Result<NamedValues> FaceDetectorMethod::validate(int, int) {
  const at::NoGradGuard no_grad;
  MIEN_RETURN_IF_ERROR(measure_statistics());
  network_->eval();
  NamedValues out;
  MIEN_ASSIGN_OR_RETURN(const RecallMeter composed, measure_composed());
  if (composed.faces() > 0) {
    const RecallMeter::Figure figure = composed.at(recipe_.training.alarms);
    out.emplace_back("recall", figure.recall);
    out.emplace_back("threshold", figure.threshold);
    threshold_ = figure.threshold;
  }
  MIEN_ASSIGN_OR_RETURN(const RecallMeter pictures, measure_pictures());
  if (pictures.faces() > 0) {
    const RecallMeter::Figure figure = pictures.at(recipe_.training.alarms);
    out.emplace_back("recall_pictures", figure.recall);
    out.emplace_back("threshold_pictures", figure.threshold);
  }
  network_->train();
  return out;
}

}  // namespace mien::methods
