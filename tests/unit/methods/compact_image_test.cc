#include "methods/compact/image_train.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>
#include <fstream>

#include "data/geometry.h"
#include "engine/tiny_bundle.h"
#include "kernels/ops.h"
#include "methods/compact/picture_teachers.h"
#include "methods/compact/votes.h"
#include "methods/kit/picture_store.h"
#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/text/prompts.h"
#include "nn/load.h"
#include "support/test_support.h"
#include "unit/methods/plain_steps.h"

namespace mien::methods {
namespace {

// A bright half, in the middle, below or above, in noise: the same in a mirror.
image::Image pattern(int kind, Rng& rng) {
  image::Image out(24, 24);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      const bool bright = kind == 0 ? std::abs(2 * x - 23) < 12 : kind == 1 ? y >= 12 : y < 12;
      const auto value = static_cast<std::uint8_t>((bright ? 160 : 40) + rng.below(50));
      for (int c = 0; c < 3; ++c) out.row(y)[3 * x + c] = value;
    }
  }
  return out;
}

void write_png(const std::filesystem::path& path, const image::Image& picture) {
  const auto png = image::encode_png(picture);
  MIEN_ASSERT_OK(png);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(png->data()), static_cast<std::streamsize>(png->size()));
}

// With `shapes`, the measures of a face tell left from right, which no label asks for.
MethodContext write_pictures(const std::filesystem::path& folder, bool shapes = false) {
  std::ofstream csv(folder / "set.csv");
  csv << "path,label,subject,sequence,split";
  if (shapes) {
    for (const std::string_view name : data::kGeometryColumns) csv << ',' << name;
  }
  csv << '\n';
  Rng rng(2);
  const char* names[] = {"angry", "happy", "sad"};
  for (int i = 0; i < 48; ++i) {
    const std::string file = fmt::format("p{}.png", i);
    write_png(folder / file, pattern(i % 3, rng));
    csv << file << "," << (shapes ? names[0] : names[i % 3]) << ",,," << (i < 36 ? "train" : "val");
    for (std::size_t m = 0; shapes && m < data::kGeometryMeasures; ++m) {
      csv << (i % 5 == 4 ? "," : i % 3 == 0 ? ",0.3" : ",0.05");  // some faces are not measured
    }
    csv << "\n";
  }
  MethodContext out;
  out.data = folder;
  return out;
}

CompactImageRecipe small_image_recipe() {
  CompactImageRecipe out;
  out.data.train = "set.csv";
  out.tower = {
      .image_size = 24, .embed = 16, .stem_width = 16, .widths = {16, 32}, .blocks = {1, 1}};
  out.training.batch = 12;
  out.training.mixup = 0;
  out.training.smoothing = 0;
  return out;
}

std::vector<float> unit_embedding(const engine::ImageEncoder& encoder,
                                  const std::vector<float>& pixels) {
  engine::Session session;
  std::vector<float> out(static_cast<std::size_t>(encoder.embed()));
  EXPECT_EQ(test::problem_of(encoder.encode(pixels.data(), 1, out.data(), session)), "");
  kernels::l2_normalize_rows(out.data(), 1, encoder.embed());
  return out;
}

// The bundle names every pattern through the engine.
void expect_patterns_told(const engine::Bundle& bundle) {
  engine::Session session;
  const auto scorer = engine::LabelScorer::make(
      bundle, {.name = "own", .labels = bundle.info().labels}, {}, session);
  ASSERT_TRUE(scorer.ok()) << scorer.status().message();
  const auto encoder = bundle.image_encoder();
  MIEN_ASSERT_OK(encoder);
  Rng rng(9);
  const char* names[] = {"angry", "happy", "sad"};
  for (int kind = 0; kind < 3; ++kind) {
    std::vector<float> pixels(3 * 24 * 24);
    MIEN_ASSERT_OK(image::preprocess(pattern(kind, rng), bundle.info().preprocess, pixels));
    EXPECT_EQ((*scorer)->score(unit_embedding(**encoder, pixels)).labels.front().label,
              names[kind]);
  }
}

TEST(CompactImage, LearnsPatternsAndGivesThemToTheEngine) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path());
  const auto method = make_run<CompactImageMethod>(small_image_recipe(), context);
  ASSERT_TRUE(method.ok()) << method.status().message();
  const auto groups = (*method)->begin_stage(0);
  for (int epoch = 0; epoch < 12; ++epoch) {
    MIEN_ASSERT_OK((*method)->begin_epoch(0, epoch, 0));
    for (std::int64_t s = 0; s < (*method)->steps_per_epoch(0); ++s) {
      const auto output = (*method)->step();
      MIEN_ASSERT_OK(output);
      output->loss.backward();
      const at::NoGradGuard no_grad;
      for (const auto& group : groups) {
        for (const auto& [name, tensor] : group.parameters) {
          if (!tensor.grad().defined()) continue;
          torch::Tensor(tensor).add_(tensor.grad(), -0.05);
          tensor.grad().zero_();
        }
      }
    }
  }
  const at::NoGradGuard no_grad;
  const auto values = (*method)->validate(0, 0);
  MIEN_ASSERT_OK(values);
  EXPECT_EQ(values->front().first, "war");
  EXPECT_GE(values->front().second, 90);
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  ASSERT_TRUE(bundle.ok()) << bundle.status().message();
  expect_patterns_told(**bundle);
}

double shape_loss(const StepOutput& output) {
  for (const auto& [name, value] : output.values) {
    if (name == "geometry_loss") return value;
  }
  ADD_FAILURE() << "no geometry_loss";
  return 0;
}

TEST(CompactImage, KeepsTheShapeOfFacesThatNoLabelAsksFor) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path(), true);
  CompactImageRecipe recipe = small_image_recipe();
  recipe.data.classes = {"angry", "happy", "sad"};
  recipe.training.geometry_weight = 1;
  const auto method = make_run<CompactImageMethod>(recipe, context);
  MIEN_ASSERT_OK(method.status());
  const double first = shape_loss(run_plain_steps(**method, 0, 1, 0));
  EXPECT_LT(shape_loss(run_plain_steps(**method, 0, 12, 0.003)), 0.5 * first);
  const at::NoGradGuard no_grad;
  MIEN_ASSERT_OK((*method)->export_bundle(dir / "bundle", false));
  const auto bundle = engine::Bundle::load(dir / "bundle");
  MIEN_ASSERT_OK(bundle.status());
  EXPECT_EQ((*bundle)->weights().find("shape_head"), nullptr);
}

TEST(CompactImage, RefusesToTrainUnmeasuredShapes) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  recipe.training.geometry_weight = 1;
  const auto method = make_run<CompactImageMethod>(recipe, context);
  MIEN_EXPECT_CODE(method, StatusCode::kInvalidArgument);
  EXPECT_THAT(method.status().message(), testing::HasSubstr("data caption --landmarks"));
}

// Every picture has the same votes, so all that they tell is how often each label is given.
void add_equal_votes(const std::filesystem::path& folder) {
  std::ifstream from(folder / "set.csv");
  std::string all;
  bool first = true;
  for (std::string line; std::getline(from, line); first = false) {
    all += line + (first ? ",fp_neutral,fp_sadness\n" : ",6,4\n");
  }
  std::ofstream(folder / "set.csv") << all;
}

TEST(CompactImage, VotesGiveAShareOfTheLabel) {
  const test::TempDir dir;
  const MethodContext context = write_pictures(dir.path());
  add_equal_votes(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  recipe.training.vote_weight = 0;
  const auto figures = [&](double share) {
    recipe.training.voted_labels = share;
    const auto method = make_run<CompactImageMethod>(recipe, context);
    EXPECT_EQ(test::problem_of(method.status()), "");
    const double loss = run_plain_steps(**method, 0, 12, 0.003).loss.item<double>();
    const at::NoGradGuard no_grad;
    return std::pair(loss, (*method)->validate(0, 0)->front().second);
  };
  const auto [own_loss, own_war] = figures(0);
  const double told_loss = figures(1).first;
  EXPECT_LT(own_loss, 0.5);
  EXPECT_GE(own_war, 90);
  // Three labels, each in a third of the pictures: nothing tells them apart.
  EXPECT_GT(told_loss, 0.95 * std::log(3.0));
}

TEST(CompactImage, RefusesLabelsByMissingVotes) {
  const test::TempDir dir;
  const MethodContext context = write_pictures(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  recipe.training.voted_labels = 0.5;
  const auto method = make_run<CompactImageMethod>(recipe, context);
  MIEN_EXPECT_CODE(method, StatusCode::kInvalidArgument);
  EXPECT_THAT(method.status().message(), testing::HasSubstr("fp_*"));
}

torch::Tensor weight_of(const std::filesystem::path& path, const std::string& name) {
  const auto bundle = engine::Bundle::load(path);
  EXPECT_TRUE(bundle.ok()) << bundle.status().message();
  return nn::to_torch(*(*bundle)->weights().find(name))->clone();
}

TEST(CompactImage, BlendsWithTheBundleItStartedFrom) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  MIEN_ASSERT_OK(
      (*make_run<CompactImageMethod>(recipe, context))->export_bundle(dir / "start", false));
  recipe.training.init = "start";
  for (const double blend : {1.0, 0.25}) {
    recipe.training.blend = blend;
    const auto method = make_run<CompactImageMethod>(recipe, context);
    MIEN_ASSERT_OK(method.status());
    for (const auto& group : (*method)->begin_stage(0)) {
      const at::NoGradGuard no_grad;
      for (const auto& item : group.parameters) torch::Tensor(item.second).add_(1);
    }
    MIEN_ASSERT_OK((*method)->export_bundle(dir / fmt::format("out{}", blend), false));
    const torch::Tensor moved = weight_of(dir / fmt::format("out{}", blend), "visual.proj") -
                                weight_of(dir / "start", "visual.proj");
    EXPECT_NEAR(moved.min().item<double>(), blend, 1e-5);
    EXPECT_NEAR(moved.max().item<double>(), blend, 1e-5);
  }
  recipe.training.init = "";
  EXPECT_EQ(make_run<CompactImageMethod>(recipe, context).status().code(),
            StatusCode::kInvalidArgument);
}

// The pictures of the pupil are all labelled alike; what it knows is from its teachers.
TEST(CompactImage, LearnsFromTeachersBeyondTheLabels) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  const auto teacher = make_run<CompactImageMethod>(recipe, context);
  MIEN_ASSERT_OK(teacher.status());
  run_plain_steps(**teacher, 0, 12, 0.003);
  MIEN_ASSERT_OK((*teacher)->export_bundle(dir / "teacher", false));
  const test::TempDir blind;
  context = write_pictures(blind.path(), true);
  recipe.data.classes = {"angry", "happy", "sad"};
  recipe.training.teachers = {(dir / "teacher").string(), (dir / "teacher").string()};
  recipe.training.teacher_weight = 1;
  const auto pupil = make_run<CompactImageMethod>(recipe, context);
  MIEN_ASSERT_OK(pupil.status());
  run_plain_steps(**pupil, 0, 12, 0.003);
  MIEN_ASSERT_OK((*pupil)->export_bundle(blind / "pupil", false));
  const auto bundle = engine::Bundle::load(blind / "pupil");
  MIEN_ASSERT_OK(bundle.status());
  expect_patterns_told(**bundle);
}

// Asked in words, by an engine bundle; a picture and its mirror image are one question.
TEST(CompactImage, AsksTeachersWithWordsForLabelsAndVotes) {
  const test::TempDir dir;
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir / "tiny"));
  const auto bundle = engine::Bundle::load(dir / "tiny");
  MIEN_ASSERT_OK(bundle.status());
  Rng rng(5);
  const image::Image one = pattern(0, rng);
  image::Image other(24, 24);
  for (int y = 0; y < 24; ++y) {
    for (int x = 0; x < 24; ++x) {
      for (int c = 0; c < 3; ++c) other.row(y)[3 * x + c] = one.row(y)[3 * (23 - x) + c];
    }
  }
  std::ofstream csv(dir / "set.csv");
  csv << "path,label,subject,sequence,split\n";
  write_png(dir / "a.png", one);
  write_png(dir / "b.png", other);
  csv << "a.png,happy,,,train\nb.png,happy,,,train\n";
  csv.close();
  DataOptions options;
  options.train = "set.csv";
  const auto data = load_training_data(options, dir.path(), 1);
  MIEN_ASSERT_OK(data.status());
  const image::PreprocessSpec spec = (*bundle)->info().preprocess;
  const auto pictures = PictureStore::read(*data->train, data->train_view, spec, options, {});
  MIEN_ASSERT_OK(pictures.status());
  const std::vector<std::string> classes = {"happy", "sad"};
  const auto answers = ask_teachers({dir / "tiny", dir / "tiny"}, classes, 2, **pictures,
                                    data->train_view, spec, [](std::int64_t) {});
  MIEN_ASSERT_OK(answers.status());
  ASSERT_EQ(answers->labels.sizes(), (at::IntArrayRef{2, 2}));
  ASSERT_EQ(answers->votes.sizes(), (at::IntArrayRef{2, static_cast<std::int64_t>(kVoteClasses)}));
  for (const torch::Tensor& said : {answers->labels, answers->votes}) {
    EXPECT_TRUE(at::allclose(said.sum(1), torch::ones({2}), 1e-4, 1e-4)) << said;
    EXPECT_TRUE(at::allclose(said[0], said[1], 1e-3, 1e-4)) << said;
  }
  // What the bundle answers by the same descriptions, averaged over both.
  engine::Session session;
  const auto scorer = engine::LabelScorer::make(
      **bundle,
      {.name = "classes",
       .labels = {{.name = "happy", .texts = text::describe("happy"), .parts = {}},
                  {.name = "sad", .texts = text::describe("sad"), .parts = {}}}},
      {}, session);
  MIEN_ASSERT_OK(scorer.status());
  const auto encoder = (*bundle)->image_encoder();
  MIEN_ASSERT_OK(encoder.status());
  double expected = 0;
  for (const std::int64_t place : {0, 1}) {
    const auto plane = (*pictures)->plane(place);
    std::vector<float> pixels;
    for (int p = 0; p < 3; ++p) pixels.insert(pixels.end(), plane.begin(), plane.end());
    const auto logits = (*scorer)->score(unit_embedding(**encoder, pixels)).logits;
    expected += 0.5 / (1 + std::exp(logits[1] - logits[0]));
  }
  EXPECT_NEAR(answers->labels[0][0].item<double>(), expected, 2e-3);
}

TEST(CompactImage, RefusesTeachersThatAnswerAnotherQuestion) {
  const test::TempDir dir;
  MethodContext context = write_pictures(dir.path());
  CompactImageRecipe recipe = small_image_recipe();
  MIEN_ASSERT_OK(
      (*make_run<CompactImageMethod>(recipe, context))->export_bundle(dir / "teacher", false));
  recipe.training.teachers = {"teacher"};
  const auto refused = [&](const CompactImageRecipe& other, const char* word) {
    const auto method = make_run<CompactImageMethod>(other, context);
    MIEN_EXPECT_CODE(method, StatusCode::kInvalidArgument);
    EXPECT_THAT(method.status().message(), testing::HasSubstr(word));
  };
  CompactImageRecipe other = recipe;
  other.tower.image_size = 32;
  refused(other, "preprocesses pictures differently");
  other = recipe;
  other.data.leave_out = "sad";
  refused(other, "data.leave_out");
  other = recipe;
  other.data.classes = {"angry", "happy", "sad", "fear"};
  refused(other, "fear");
  other = recipe;
  other.training.teachers = {"nobody"};
  MIEN_EXPECT_CODE(make_run<CompactImageMethod>(other, context), StatusCode::kNotFound);
}

TEST(CompactImage, RefusesStagesWithoutBlocks) {
  CompactImageRecipe recipe = small_image_recipe();
  recipe.tower.blocks = {1};
  MIEN_EXPECT_CODE(make_run<CompactImageMethod>(recipe, {}), StatusCode::kInvalidArgument);
}

TEST(Votes, AnExcludedClassNeverWins) {
  const torch::Tensor scores = torch::tensor({{1.0, 9.0, 3.0}, {4.0, 9.0, 3.0}});
  EXPECT_TRUE(best_of(scores, torch::tensor({0, 2})).equal(torch::tensor({2, 0})));
  EXPECT_TRUE(best_of(scores, torch::arange(3)).equal(torch::tensor({1, 1})));
}

}  // namespace
}  // namespace mien::methods
