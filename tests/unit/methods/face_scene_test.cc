// What pictures a detector of faces trains with, and what it should answer there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numbers>
#include <set>

#include "methods/face_detector/paste.h"
#include "methods/face_detector/pictures.h"
#include "methods/face_detector/scene.h"
#include "methods/face_detector/targets.h"
#include "mien/image/decode.h"
#include "support/test_support.h"

namespace mien::methods {
namespace {

face::Detection face_in(float x, float y, float w, float h, float score = 0.9F) {
  face::Detection out{.box = {x, y, w, h}, .score = score};
  out.points = {{{x + w / 4, y + h / 3},
                 {x + 3 * w / 4, y + h / 3},
                 {x + w / 2, y + h / 2},
                 {x + w / 3, y + 3 * h / 4},
                 {x + 2 * w / 3, y + 3 * h / 4}}};
  return out;
}

TEST(FacePlacing, InverseUndoesIt) {
  const Placing placing{
      .from = {3, 4}, .to = {50, 60}, .scale = 1.7F, .turn = 0.6F, .mirror = true};
  const image::Point back = placing.inverse(placing.apply({11, -2}));
  EXPECT_NEAR(back.x, 11, 1e-4);
  EXPECT_NEAR(back.y, -2, 1e-4);
  EXPECT_FLOAT_EQ(placing.apply({3, 4}).x, 50);
}

TEST(FacePlacing, QuarterTurnSwapsTheSidesOfABox) {
  const face::Detection face = face_in(10, 20, 30, 40);
  const Placing placing{.from = {25, 40},
                        .to = {100, 100},
                        .scale = 2,
                        .turn = static_cast<float>(std::numbers::pi / 2)};
  const face::Detection out = placed(face, placing);
  EXPECT_NEAR(out.box.w, 80, 1e-3);
  EXPECT_NEAR(out.box.h, 60, 1e-3);
  EXPECT_NEAR(out.box.x + out.box.w / 2, 100, 1e-3);
  // Clockwise: what was left is above.
  EXPECT_NEAR((*out.points)[0].y, 100 - 2 * 7.5F, 1e-3);
}

TEST(FacePlacing, MirrorNamesPointsAsTheyLieThen) {
  const face::Detection out =
      placed(face_in(0, 0, 40, 60), {.from = {20, 30}, .to = {20, 30}, .mirror = true});
  EXPECT_LT((*out.points)[0].x, (*out.points)[1].x);
  EXPECT_LT((*out.points)[3].x, (*out.points)[4].x);
}

TEST(FacePaste, ChangesNothingOutsideItsBounds) {
  image::Image canvas(64, 64), white(20, 20);
  std::fill(white.pixels().begin(), white.pixels().end(), std::uint8_t{255});
  Pasting pasting;
  pasting.placing = {.from = {10, 10}, .to = {30, 34}, .scale = 0.5F, .turn = 0.4F};
  pasting.mask = {.ellipse = true, .centre = {10, 10}, .half_width = 8, .half_height = 10};
  for (auto& table : pasting.colours) table.fill(200);
  paste(white, pasting, canvas);
  const image::Box bounds = pasted_bounds(pasting);
  EXPECT_EQ(canvas.row(34)[3 * 30], 200);  // the middle is covered
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) {
      const auto left = static_cast<float>(x), top = static_cast<float>(y);
      const bool inside = left + 1 >= bounds.x && left <= bounds.x + bounds.w &&
                          top + 1 >= bounds.y && top <= bounds.y + bounds.h;
      if (!inside) {
        ASSERT_EQ(canvas.row(y)[3 * x], 0) << x << " " << y;
      }
    }
  }
}

// Maps of a teacher that answers nothing until told.
struct TeacherMaps {
  std::array<std::vector<float>, 3> values;
  std::vector<engine::PyramidMap> maps;

  explicit TeacherMaps(int side) {
    for (std::size_t l = 0; l < 3; ++l) {
      const int stride = 8 << l;
      const std::int64_t count = side / stride;
      values[l].assign(static_cast<std::size_t>(count * count * engine::kAnswers), 0);
      for (std::size_t i = 0; i < values[l].size(); i += engine::kAnswers) {
        values[l][i] = values[l][i + 1] = -20;
      }
      maps.push_back({values[l].data(), count, count, stride});
    }
  }
  // A box of `size` in the place's corner, with this score.
  void say(std::size_t level, std::int64_t x, std::int64_t y, float size, float score) {
    float* a = values[level].data() + (y * maps[level].width + x) * engine::kAnswers;
    a[0] = a[1] = std::log(score / (1 - score));
    a[4] = a[5] = std::log(size / static_cast<float>(maps[level].stride));
  }
};

const float* target_at(const std::vector<float>& rows, const TeacherMaps& teacher,
                       std::size_t level, std::int64_t x, std::int64_t y) {
  std::int64_t first = 0;
  for (std::size_t l = 0; l < level; ++l) first += teacher.maps[l].height * teacher.maps[l].width;
  return rows.data() + (first + y * teacher.maps[level].width + x) * kTargetWidth;
}

TEST(FaceTargets, OfAFrameAreTheTeachersAnswers) {
  TeacherMaps teacher(64);
  teacher.say(1, 2, 1, 30, 0.7F);
  teacher.say(0, 5, 5, 12, 0.2F);
  const auto rows =
      make_targets({.picture = image::Image(64, 64), .composed = false, .faces = {}}, teacher.maps);
  ASSERT_EQ(rows.size(), (64 + 16 + 4) * static_cast<std::size_t>(kTargetWidth));
  const float* sure = target_at(rows, teacher, 1, 2, 1);
  EXPECT_NEAR(sure[0], 0.7, 1e-5);
  EXPECT_EQ(sure[1], 1);
  EXPECT_NEAR(sure[2], 0.7, 1e-5);
  EXPECT_NEAR(sure[3], 32, 1e-4);  // the box lies around the corner of the place
  EXPECT_NEAR(sure[4], 16, 1e-4);
  EXPECT_NEAR(sure[5], 30, 1e-4);
  const float* doubt = target_at(rows, teacher, 0, 5, 5);
  EXPECT_NEAR(doubt[0], 0.2, 1e-5);
  EXPECT_EQ(doubt[2], 0);
}

TEST(FaceTargets, KnownFacesCorrectTheTeacher) {
  TeacherMaps teacher(64);
  teacher.say(1, 2, 2, 30, 0.9F);   // on the known face
  teacher.say(0, 0, 0, 10, 0.4F);   // a doubt where there is none
  teacher.say(0, 7, 0, 10, 0.95F);  // sure where there is none
  Scene scene{.picture = image::Image(64, 64), .composed = true, .faces = {}};
  scene.faces.push_back({.face = face_in(18, 18, 28, 30), .sure = true});
  const auto rows = make_targets(scene, teacher.maps);
  const float* known = target_at(rows, teacher, 1, 2, 2);
  EXPECT_NEAR(known[0], 0.9, 1e-5);
  EXPECT_NEAR(known[5], 28, 1e-5);  // the known box
  EXPECT_NEAR(known[7], 25, 1e-5);  // and its left eye
  EXPECT_EQ(target_at(rows, teacher, 0, 0, 0)[0], 0);
  EXPECT_EQ(target_at(rows, teacher, 0, 0, 0)[1], 1);
  EXPECT_EQ(target_at(rows, teacher, 0, 7, 0)[1], 0);
}

TEST(FaceTargets, FacesThatTheTeacherMissesGetPlacesUnlessTheyAreUnsure) {
  const TeacherMaps teacher(64);
  Scene scene{.picture = image::Image(64, 64), .composed = true, .faces = {}};
  scene.faces.push_back({.face = face_in(26, 24, 12, 16), .sure = true});
  auto rows = make_targets(scene, teacher.maps);
  const float* own = target_at(rows, teacher, 0, 4, 4);  // (32, 32), the middle
  EXPECT_NEAR(own[0], 0.8, 1e-6);
  EXPECT_NEAR(own[5], 12, 1e-6);
  EXPECT_EQ(target_at(rows, teacher, 1, 2, 2)[1], 0);  // another level: let be
  EXPECT_EQ(target_at(rows, teacher, 0, 0, 0)[1], 1);  // far away: no face
  scene.faces[0].sure = false;
  rows = make_targets(scene, teacher.maps);
  EXPECT_EQ(target_at(rows, teacher, 0, 4, 4)[1], 0);
}

class FaceScenes : public testing::Test {
 protected:
  FaceScenes() {
    Rng rng(5);
    std::vector<FaceBank::Face> faces;
    for (int i = 0; i < 4; ++i) {
      const auto png = image::encode_png(noise(40, 50, rng));
      std::ofstream(folder_ / fmt::format("f{}.png", i), std::ios::binary)
          .write(reinterpret_cast<const char*>(png->data()),
                 static_cast<std::streamsize>(png->size()));
    }
    const auto listed = list_pictures(folder_.path(), true);
    EXPECT_TRUE(listed.ok());
    for (const StoredPicture& one : *listed) faces.push_back({one, face_in(10, 12, 20, 26)});
    sources_.bank = FaceBank::of(faces, faces);
    for (auto& part : sources_.backgrounds) part = {noise(90, 70, rng), noise(64, 80, rng)};
    sources_.frames = *listed;
    options_.side = 96;
  }
  static image::Image noise(int width, int height, Rng& rng) {
    image::Image out(width, height);
    for (std::uint8_t& v : out.pixels()) v = static_cast<std::uint8_t>(rng.below(256));
    return out;
  }
  test::TempDir folder_;
  SceneSources sources_;
  SceneOptions options_;
};

TEST_F(FaceScenes, AreTheSameForTheSameSeed) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng one(seed), two(seed);
    const auto first = make_scene(options_, sources_, one);
    const auto second = make_scene(options_, sources_, two);
    MIEN_ASSERT_OK(first);
    MIEN_ASSERT_OK(second);
    ASSERT_EQ(first->picture.pixels(), second->picture.pixels()) << seed;
    ASSERT_EQ(first->faces.size(), second->faces.size());
    EXPECT_EQ(one.next_u64(), two.next_u64());
  }
}

TEST_F(FaceScenes, SureFacesLieInThePictureAndAreLargeEnough) {
  options_.blur_share = 0;
  std::set<std::size_t> counts;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Rng rng(seed);
    const auto scene = compose_scene(options_, sources_, false, rng);
    MIEN_ASSERT_OK(scene);
    EXPECT_TRUE(scene->composed);
    EXPECT_EQ(scene->picture.width(), 96);
    EXPECT_EQ(scene->picture.height(), 96);
    counts.insert(scene->faces.size());
    for (const SceneFace& one : scene->faces) {
      if (!one.sure) continue;
      const image::Box& box = one.face.box;
      EXPECT_GE(box.h, 0.8 * options_.smallest);
      EXPECT_GT(box.x + box.w / 2, -0.1 * box.w);
      EXPECT_LT(box.x + box.w / 2, 96 + 0.1 * box.w);
    }
  }
  EXPECT_TRUE(counts.contains(0));
  EXPECT_GT(counts.size(), 3U);
}

TEST_F(FaceScenes, SharesDecide) {
  options_.frame_share = 1;
  Rng rng(3);
  EXPECT_FALSE(make_scene(options_, sources_, rng)->composed);
  options_.frame_share = 0;
  EXPECT_TRUE(make_scene(options_, sources_, rng)->composed);
  options_.empty_share = 1;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(make_scene(options_, sources_, rng)->faces.empty());
}

TEST_F(FaceScenes, AnUnreadableFaceIsAnError) {
  std::ofstream(folder_ / "f0.png", std::ios::trunc) << "not a picture";
  options_.empty_share = 0;
  int bad = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const auto scene = compose_scene(options_, sources_, false, rng);
    if (scene.ok()) continue;
    ++bad;
    EXPECT_THAT(scene.status().message(), testing::HasSubstr("f0.png"));
  }
  EXPECT_GT(bad, 0);
}

TEST(FacePictures, GroupsAreEitherTrainingOrValidation) {
  StoredPicture one{.store = nullptr, .name = "a/1.jpg", .group = "a"};
  StoredPicture two{.store = nullptr, .name = "a/2.jpg", .group = "a"};
  EXPECT_EQ(validates(one, 10), validates(two, 10));
  int held = 0;
  for (int i = 0; i < 2000; ++i) {
    one.group = fmt::format("person {}", i);
    held += validates(one, 10) ? 1 : 0;
  }
  EXPECT_NEAR(held, 200, 60);
}

}  // namespace
}  // namespace mien::methods
