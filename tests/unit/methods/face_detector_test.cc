#include "methods/face_detector/train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>

#include "engine/detectors/pyramid.h"
#include "methods/face_detector/losses.h"
#include "mien/image/decode.h"
#include "nn/load.h"
#include "support/test_support.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

using testing::HasSubstr;

engine::PyramidSizes tiny_sizes() {
  FaceNetworkOptions options;
  options.stem_width = 8;
  options.stages = {"8", "12 16", "16", "16"};
  return *options.sizes();
}

TEST(FaceLosses, QualityFocalByHand) {
  const torch::Tensor logits = torch::tensor({0.0F, 0.0F, 50.0F});
  const torch::Tensor targets = torch::tensor({1.0F, 0.5F, 0.0F});
  // (1 - 1/2)^2 log 2; nothing where it is right; 50 where it is certain and wrong.
  EXPECT_NEAR(quality_focal(logits, targets, torch::tensor({1.0F, 1.0F, 0.0F})).item<double>(),
              0.25 * std::log(2.0), 1e-6);
  EXPECT_NEAR(quality_focal(logits, targets, torch::tensor({0.0F, 1.0F, 2.0F})).item<double>(), 100,
              1e-4);
}

TEST(FaceLosses, EfficientIouByHand) {
  const torch::Tensor boxes = torch::tensor({{5.0F, 5.0F, 10.0F, 10.0F}, {0.0F, 0.0F, 2.0F, 2.0F}});
  const torch::Tensor targets =
      torch::tensor({{10.0F, 5.0F, 10.0F, 10.0F}, {0.0F, 0.0F, 4.0F, 2.0F}});
  const torch::Tensor loss = efficient_iou_loss(boxes, targets);
  EXPECT_NEAR(loss[0].item<double>(), 1 - 50.0 / 150 + 25.0 / 325, 1e-6);
  EXPECT_NEAR(loss[1].item<double>(), 1 - 4.0 / 8 + 4.0 / 16, 1e-6);
  EXPECT_NEAR(efficient_iou_loss(boxes, boxes).sum().item<double>(), 0, 1e-5);
}

TEST(FaceLosses, PointsByHand) {
  torch::Tensor points = torch::zeros({1, 10});
  points[0][3] = 1;  // half of a tenth of the face
  points[0][4] = 6;  // three tenths
  const torch::Tensor loss = point_loss(points, torch::zeros({1, 10}), torch::tensor({20.0F}));
  EXPECT_NEAR(loss.item<double>(), (0.125 + 2.5) / 10, 1e-6);
}

TEST(FaceLosses, WholeLossWeighsItsParts) {
  const engine::PyramidSizes sizes = tiny_sizes();
  const torch::Tensor grid = place_grid(sizes, 32, 32);
  torch::Tensor targets = torch::zeros({1, grid.size(0), 17});
  targets.select(2, 1).fill_(1);
  torch::Tensor answers = torch::full({1, grid.size(0), kPlaceAnswers}, 0.0F);
  answers.select(2, 0).fill_(-30);
  NamedValues parts;
  const FaceDetectorTraining weights;
  // No face, none said; no shape, so that both sums are of nothing.
  EXPECT_NEAR(detection_loss(answers, targets, grid, weights, parts).item<double>(), 0, 1e-6);
  targets[0][5][0] = 1;
  targets[0][5][2] = 1;
  targets[0][5].narrow(0, 3, 2).copy_(grid[5].narrow(0, 0, 2));  // the box that is said
  targets[0][5].narrow(0, 5, 2).fill_(8);
  for (int p = 0; p < 5; ++p) {
    targets[0][5].narrow(0, 7 + 2 * p, 2).copy_(grid[5].narrow(0, 0, 2));
  }
  parts.clear();
  EXPECT_NEAR(detection_loss(answers, targets, grid, weights, parts).item<double>(), 30, 1e-3);
  EXPECT_EQ(parts[0].first, "score_loss");
  EXPECT_NEAR(parts[1].second, 0, 1e-5);
  EXPECT_NEAR(parts[2].second, 0, 1e-5);
}

TEST(FaceNetwork, BundleAnswersAsTheTrainedNetwork) {
  torch::manual_seed(3);
  PyramidNet network(tiny_sizes());
  const at::NoGradGuard no_grad;
  for (auto& item : network->named_buffers()) {  // as if it had seen pictures
    item.value().copy_(item.key().ends_with("var") ? torch::rand_like(item.value()) + 0.5
                                                   : torch::randn_like(item.value()));
  }
  for (auto& item : network->named_parameters()) {
    if (item.value().dim() == 1) item.value().add_(torch::randn_like(item.value()) * 0.2);
  }
  network->eval();
  const test::TempDir dir;
  engine::DetectorContent content;
  content.info.name = "twin";
  content.info.sizes = network->sizes();
  content.info.licence = "none";
  const NamedTorchTensors tensors = network->folded();
  for (const auto& [name, tensor] : tensors) {
    content.tensors.emplace_back(name, nn::as_view(tensor));
  }
  MIEN_ASSERT_OK(engine::write_detector(dir / "twin", std::move(content)));
  const auto bundle = engine::DetectorBundle::load(dir / "twin");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();

  image::Image picture(96, 64);
  Rng rng(4);
  for (std::uint8_t& v : picture.pixels()) v = static_cast<std::uint8_t>(rng.below(256));
  engine::PyramidScratch scratch;
  const auto maps = (*bundle)->network().run(picture, scratch);
  const torch::Tensor pixels =
      torch::from_blob(picture.pixels().data(), {1, 64, 96, 3}, torch::kUInt8);
  const torch::Tensor answers = network->forward(pixels.permute({0, 3, 1, 2}))[0];
  const FaceAnswers said = decode_answers(answers, place_grid(network->sizes(), 64, 96));
  std::int64_t place = 0;
  for (const engine::PyramidMap& map : maps) {
    for (std::int64_t y = 0; y < map.height; ++y) {
      for (std::int64_t x = 0; x < map.width; ++x, ++place) {
        const auto found = engine::face_at(map, x, y, 0);
        ASSERT_TRUE(found.has_value());
        ASSERT_NEAR(found->score, said.scores[place].sigmoid().item<float>(), 1e-3);
        const torch::Tensor box = said.boxes[place];
        const float side = std::max(1.0F, box[2].item<float>());
        ASSERT_NEAR(found->box.x + found->box.w / 2, box[0].item<float>(), 1e-3 * side);
        ASSERT_NEAR(found->box.y + found->box.h / 2, box[1].item<float>(), 1e-3 * side);
        ASSERT_NEAR(found->box.w, box[2].item<float>(), 1e-3 * side);
        ASSERT_NEAR((*found->points)[4].y, said.points[place][9].item<float>(), 1e-2);
      }
    }
  }
  EXPECT_EQ(place, answers.size(0));
}

TEST(FaceNetwork, SizesOfARecipeAreChecked) {
  FaceNetworkOptions options;
  options.stages = {"32", "48 x"};
  EXPECT_THAT(options.sizes().status().message(), HasSubstr("network.stages: 'x'"));
  options.stages = {"32", "", "64"};
  EXPECT_THAT(options.sizes().status().message(), HasSubstr("a stage without layers"));
  options.stages = {"32", "48", "64", "64"};
  EXPECT_THAT(options.sizes().status().message(), HasSubstr("48 channels (expected 64"));
  options.stages = {"32", "64"};
  EXPECT_THAT(options.sizes().status().message(), HasSubstr("3 levels of 2 stages"));
}

TEST(FaceRecall, CountsAsToldAndFindsTheThreshold) {
  const auto box = [](float x, float score) {
    return face::Detection{.box = {x, 0, 10, 10}, .score = score};
  };
  const std::vector<SceneFace> truth = {
      {.face = box(0, 1)}, {.face = box(100, 1)}, {.face = box(200, 1), .sure = false}};
  RecallMeter meter;
  // Found, a second box on the same face, found with less score, on an unsure one, nowhere.
  meter.add({box(1, 0.9F), box(2, 0.8F), box(101, 0.7F), box(201, 0.65F), box(300, 0.6F)}, truth);
  meter.add({}, {});
  EXPECT_EQ(meter.faces(), 2);
  EXPECT_DOUBLE_EQ(meter.at(0).recall, 50);
  EXPECT_NEAR(meter.at(0).threshold, 0.9, 1e-6);
  EXPECT_DOUBLE_EQ(meter.at(0.5).recall, 100);
  EXPECT_NEAR(meter.at(0.5).threshold, 0.7, 1e-6);
  EXPECT_NEAR(meter.at(1).threshold, 0.6, 1e-6);
}

// A teacher for which white dots are faces: brightness goes through unchanged, and places of its
// second level answer with a box of 48 pixels.
void write_dot_teacher(const std::filesystem::path& path) {
  engine::DetectorContent content;
  content.info.name = "dots";
  content.info.licence = "none";
  content.info.sizes.stem_width = 1;
  content.info.sizes.stages = {{false, {1}}, {true, {1}}, {true, {1}}, {true, {1}}, {true, {1}}};
  content.info.sizes.levels = 3;
  content.info.sizes.shared = 0;
  std::vector<torch::Tensor> owned;
  for (const auto& [name, shape] : engine::detector_tensors(content.info.sizes)) {
    torch::Tensor t = torch::zeros(std::vector<std::int64_t>(shape.begin(), shape.end()));
    const bool answers = name.starts_with("answers.");
    if (name == "stem.weight") t.select(2, 1).select(2, 1).fill_(1.0 / 765);
    if (!answers && name != "stem.weight" && !name.starts_with("lateral.2")) {
      if (name.ends_with("point.weight")) t.fill_(1);
      if (name.ends_with("depth.weight")) t.select(2, 1).select(2, 1).fill_(1);
    }
    if (answers && name.ends_with("point.weight") && name.starts_with("answers.1")) {
      t.narrow(0, 0, 2).fill_(60);
    }
    if (answers && name.ends_with("depth.weight")) t.select(2, 1).select(2, 1).fill_(1);
    if (answers && name.ends_with("depth.bias")) {
      t.narrow(0, 0, 2).fill_(name.starts_with("answers.1") ? -45 : -20);
      t.narrow(0, 4, 2).fill_(std::log(3.0));
    }
    owned.push_back(t.contiguous());
    content.tensors.emplace_back(name, nn::as_view(owned.back()));
  }
  MIEN_ASSERT_OK(engine::write_detector(path, std::move(content)));
}

class FaceTraining : public testing::Test {
 protected:
  FaceTraining() {
    write_dot_teacher(folder_ / "teacher");
    std::ofstream csv(folder_ / "crops.csv");
    csv << "path,label,subject,sequence,split\n";
    Rng rng(8);
    for (int i = 0; i < 30; ++i) {
      const std::string name = fmt::format("c{}.png", i);
      image::Image crop = dark(48, 48, rng);
      for (int y = 20; y < 24; ++y) {
        for (int x = 20; x < 24; ++x) std::fill_n(crop.row(y) + 3 * x, 3, std::uint8_t{255});
      }
      write(folder_ / name, crop);
      csv << name << ",neutral,,,train\n";
    }
    std::filesystem::create_directory(folder_ / "backgrounds");
    for (int i = 0; i < 30; ++i) {
      write(folder_ / "backgrounds" / fmt::format("b{}.png", i), dark(80, 60, rng));
    }
    recipe_.faces = {.crops = {"crops.csv"}, .backgrounds = {"backgrounds"}, .val_part = 3};
    recipe_.scenes.side = 64;
    recipe_.network.stem_width = 8;
    recipe_.network.stages = {"8", "12 16", "16", "16"};
    recipe_.training = {.teacher = "teacher", .batch = 4, .scenes = 16, .val_scenes = 8};
    context_.data = folder_.path();
    context_.cache = folder_ / "cache";
  }
  static image::Image dark(int width, int height, Rng& rng) {
    image::Image out(width, height);
    for (std::uint8_t& v : out.pixels()) v = static_cast<std::uint8_t>(rng.below(90));
    return out;
  }
  static void write(const std::filesystem::path& path, const image::Image& picture) {
    const auto png = image::encode_png(picture);
    MIEN_ASSERT_OK(png);
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(png->data()),
               static_cast<std::streamsize>(png->size()));
  }
  test::TempDir folder_;
  FaceDetectorRecipe recipe_;
  MethodContext context_;
};

TEST_F(FaceTraining, TeacherSeesTheCrops) {
  const auto method = make_run<FaceDetectorMethod>(recipe_, context_);
  ASSERT_TRUE(method.ok()) << method.status().message();
  const FaceBank& bank = *(*method)->sources().bank;
  EXPECT_EQ(bank.size(false) + bank.size(true), 30U);
  Rng rng(1);
  const face::Detection& found = bank.draw(false, rng).found;
  EXPECT_NEAR(found.box.w, 12, 1);  // 48 of the 192 pixels that the teacher saw
  EXPECT_NEAR(found.box.x + found.box.w / 2, 20, 1);
  // A second run reads the teacher's answers from the cache.
  ASSERT_FALSE(std::filesystem::is_empty(folder_ / "cache"));
}

// Of the pictures of the first epoch, which are the same every time.
double first_epoch_loss(Method& method) {
  double out = 0;
  EXPECT_EQ(test::problem_of(method.begin_epoch(0, 0, 0)), "");
  for (std::int64_t s = 0; s < method.steps_per_epoch(0); ++s) {
    out += method.step()->loss.item<double>();
  }
  return out;
}

TEST_F(FaceTraining, LossFallsAndTheBundleLoads) {
  const auto method = make_run<FaceDetectorMethod>(recipe_, context_);
  ASSERT_TRUE(method.ok()) << method.status().message();
  const double first = first_epoch_loss(**method);
  run_plain_steps(**method, 0, 16, 2e-3);
  EXPECT_LT(first_epoch_loss(**method), 0.8 * first);
  const at::NoGradGuard no_grad;
  const auto values = (*method)->validate(0, 0);
  MIEN_ASSERT_OK(values);
  ASSERT_EQ(values->front().first, "recall");
  EXPECT_GE(values->front().second, 0);
  MIEN_ASSERT_OK((*method)->export_bundle(folder_ / "out", false));
  const auto bundle = engine::DetectorBundle::load(folder_ / "out");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  EXPECT_EQ((*bundle)->info().name, "faces");
  EXPECT_EQ((*bundle)->info().sizes.stride(0), 8);
  EXPECT_NEAR((*bundle)->info().largest_face, 1.1 * 64, 1e-9);
  EXPECT_THAT(*(*bundle)->card(), HasSubstr("crops.csv"));
}

// The weights that validate may be averages, to which the statistics that training left do not
// belong.
TEST_F(FaceTraining, ValidationMeasuresTheStatisticsOfItsWeights) {
  const auto method = make_run<FaceDetectorMethod>(recipe_, context_);
  ASSERT_TRUE(method.ok()) << method.status().message();
  run_plain_steps(**method, 0, 2, 2e-3);
  const at::NoGradGuard no_grad;
  const auto statistics = [&] {
    std::vector<torch::Tensor> out;
    for (const auto& [name, tensor] : (*method)->state()) {
      if (name.ends_with("running_mean") || name.ends_with("running_var")) out.push_back(tensor);
    }
    return out;
  };
  const auto first = (*method)->validate(0, 0);
  MIEN_ASSERT_OK(first);
  std::vector<torch::Tensor> known;
  for (const torch::Tensor& one : statistics()) known.push_back(one.clone());
  ASSERT_FALSE(known.empty());
  for (torch::Tensor& one : statistics()) one.fill_(1000);
  const auto again = (*method)->validate(0, 0);
  MIEN_ASSERT_OK(again);
  EXPECT_EQ(*first, *again);
  const std::vector<torch::Tensor> now = statistics();
  for (std::size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(torch::allclose(now[i], known[i])) << i;
}

// An epoch that goes on at a later step sees the pictures of the unbroken one, with any number of
// threads.
TEST_F(FaceTraining, GoesOnWithTheSamePictures) {
  const auto unbroken = make_run<FaceDetectorMethod>(recipe_, context_);
  ASSERT_TRUE(unbroken.ok()) << unbroken.status().message();
  MIEN_ASSERT_OK((*unbroken)->begin_epoch(0, 1, 0));
  std::vector<double> losses;
  for (int s = 0; s < 4; ++s) losses.push_back((*unbroken)->step()->loss.item<double>());
  recipe_.faces.threads = 3;
  const auto resumed = make_run<FaceDetectorMethod>(recipe_, context_);
  ASSERT_TRUE(resumed.ok());
  MIEN_ASSERT_OK((*resumed)->begin_epoch(0, 1, 2));
  EXPECT_DOUBLE_EQ((*resumed)->step()->loss.item<double>(), losses[2]);
  EXPECT_DOUBLE_EQ((*resumed)->step()->loss.item<double>(), losses[3]);
  EXPECT_NE(losses[0], losses[1]);
}

TEST_F(FaceTraining, WhatDoesNotFitIsNamed) {
  const auto problem = [&](const FaceDetectorRecipe& recipe) {
    const auto made = make_run<FaceDetectorMethod>(recipe, context_);
    return made.ok() ? std::string("made") : made.status().message();
  };
  FaceDetectorRecipe bad = recipe_;
  bad.scenes.side = 50;
  EXPECT_THAT(problem(bad), HasSubstr("scenes.side: is 50 (expected a multiple of 32"));
  bad = recipe_;
  bad.faces.crop_shares = {1, 2};
  EXPECT_THAT(problem(bad), HasSubstr("faces.crop_shares: wrong number of values (expected 1"));
  bad = recipe_;
  bad.training.teacher = "nowhere";
  EXPECT_THAT(problem(bad), HasSubstr("nowhere"));
  bad = recipe_;
  bad.network.stem_stride = 2;
  EXPECT_THAT(problem(bad), HasSubstr("teacher: its levels do not match"));
  bad = recipe_;
  bad.faces.backgrounds = {"crops.csv"};
  EXPECT_NE(problem(bad), "made");
}

}  // namespace
}  // namespace mien::methods
