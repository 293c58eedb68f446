#include "mien/face/finder.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "face/landmarks.h"
#include "fake_detector.h"
#include "media.h"
#include "mien/image/decode.h"
#include "model_bytes.h"
#include "support/test_support.h"

namespace mien::face {
namespace {

using test::FakeDetector;
using test::paint_face;

std::unique_ptr<FaceFinder> fake(FinderOptions options = {}, FakeDetector::Log* log = nullptr) {
  options.landmarks = false;
  auto out = make_finder(options, std::make_unique<FakeDetector>(log));
  EXPECT_EQ(test::problem_of(out), "");
  return out.ok() ? std::move(out).value() : nullptr;
}

TEST(Finder, LargestFaceFirstAndScoresBelowTheLimitDropped) {
  image::Image picture(600, 300);
  paint_face(picture, {10, 10, 40, 40}, 1);
  paint_face(picture, {200, 50, 90, 90}, 2);
  paint_face(picture, {400, 50, 60, 60}, 3, 120);
  const auto all = fake()->find(picture, "a.png");
  MIEN_ASSERT_OK(all);
  ASSERT_EQ(all->size(), 3U);
  EXPECT_EQ((*all)[0].box, (image::Box{200, 50, 90, 90}));
  EXPECT_EQ((*all)[2].box, (image::Box{10, 10, 40, 40}));
  EXPECT_EQ((*all)[0].source, FaceSource::kDetected);
  EXPECT_EQ((*all)[0].track, -1);
  EXPECT_TRUE((*all)[0].landmarks68.empty());
  const auto sure = fake({.min_score = 0.5F})->find(picture, "a.png");
  MIEN_ASSERT_OK(sure);
  EXPECT_EQ(sure->size(), 2U);
}

TEST(Finder, StepsEqualTrack) {
  for (const Mode mode : {Mode::kHog, Mode::kWhole}) {
    const auto at_once = fake({.mode = mode, .detect_every = 3});
    const auto steps = fake({.mode = mode, .detect_every = 3});
    const auto worker = steps->make_worker();
    for (std::int64_t i = 0; i < 20; ++i) {
      image::Image frame(320, 240);
      paint_face(frame, {20.0F + 3 * static_cast<float>(i), 50, 40, 40}, 1);
      if (i > 8) paint_face(frame, {200, 120, 50, 50}, 2);
      const auto truth = at_once->track(frame, i, i * 40'000, "x");
      MIEN_ASSERT_OK(truth);
      const FramePlan plan = steps->plan(frame, i, i * 40'000);
      EXPECT_EQ(plan.search, mode == Mode::kHog && i % 3 == 0);
      auto found = worker->search(frame, plan);  // searching ahead or not changes nothing
      MIEN_ASSERT_OK(found);
      EXPECT_TRUE(found->has_value());
      auto faces = steps->follow(frame, i, i * 40'000, "x", plan, *found);
      MIEN_ASSERT_OK(faces);
      MIEN_ASSERT_OK(worker->complete(frame, *faces));
      ASSERT_EQ(faces->size(), truth->size());
      for (std::size_t k = 0; k < faces->size(); ++k) {
        EXPECT_EQ((*faces)[k].box, (*truth)[k].box);
        EXPECT_EQ((*faces)[k].track, (*truth)[k].track);
        EXPECT_EQ((*faces)[k].source, (*truth)[k].source);
      }
    }
  }
}

TEST(Finder, ScaleDependsOnThePictureUnlessGiven) {
  FakeDetector::Log log;
  image::Image small(640, 480);
  paint_face(small, {10, 10, 40, 40}, 1);
  image::Image large(4000, 3000);
  paint_face(large, {10, 10, 40, 40}, 1);
  auto automatic = fake({}, &log);
  MIEN_ASSERT_OK(automatic->find(small, ""));
  MIEN_ASSERT_OK(automatic->find(large, ""));
  MIEN_ASSERT_OK(fake({.upsample = 0}, &log)->find(large, ""));
  MIEN_ASSERT_OK(fake({.upsample = 3}, &log)->find(small, ""));
  ASSERT_EQ(log.calls.size(), 4U);
  EXPECT_EQ(log.calls[0].scale, 2);
  EXPECT_NEAR(log.calls[1].scale, 0.7071, 1e-3);
  EXPECT_EQ(log.calls[2].scale, 1);
  EXPECT_EQ(log.calls[3].scale, 8);
}

TEST(Finder, AutoTriesHarderAndWholeOnlyWithoutAFace) {
  FakeDetector::Log log;
  const auto none = fake({}, &log)->find(image::Image(300, 300), "");
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
  ASSERT_EQ(log.calls.size(), 4U);  // doubled, two small copies, doubled twice
  EXPECT_EQ(log.calls[3].scale, 4);
  log = {};
  MIEN_ASSERT_OK(fake({.mode = Mode::kHog}, &log)->find(image::Image(300, 300), ""));
  EXPECT_EQ(log.calls.size(), 1U);
  log = {};
  MIEN_ASSERT_OK(fake({}, &log)->find(image::Image(2000, 1000), ""));
  EXPECT_EQ(log.calls.size(), 1U);  // too long for a crop, too large to double again
}

TEST(Finder, WholeModeUsesThePicture) {
  auto finder = fake({.mode = Mode::kWhole});
  const auto faces = finder->find(image::Image(48, 30), "");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 1U);
  EXPECT_EQ((*faces)[0].box, (image::Box{0, 0, 48, 30}));
  EXPECT_EQ((*faces)[0].source, FaceSource::kWhole);
  const auto frame = finder->track(image::Image(48, 30), 3, 0, "");
  MIEN_ASSERT_OK(frame);
  EXPECT_EQ((*frame)[0].track, 0);
  EXPECT_TRUE(finder->find({}, "")->empty());
  EXPECT_TRUE(finder->track({}, 0, 0, "")->empty());
}

TEST(Finder, BoxesComeFromTheFile) {
  const test::TempDir folder;
  std::ofstream(folder / "b.csv") << "path,frame,x,y,w,h\na.png,,5,6,7,8\na.png,,-3,0,20,20\n"
                                     "clip.mp4,0,1,1,9,9\nclip.mp4,1,2,2,9,9\nb.png,,500,0,9,9\n";
  auto finder = fake({.mode = Mode::kBoxes, .boxes_file = folder / "b.csv"});
  const auto faces = finder->find(image::Image(100, 100), "x/a.png");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 2U);
  EXPECT_EQ((*faces)[0].box, (image::Box{-3, 0, 20, 20}));
  EXPECT_EQ((*faces)[1].source, FaceSource::kBoxes);
  MIEN_EXPECT_CODE(finder->find(image::Image(9, 9), "other.png"), StatusCode::kNotFound);
  MIEN_EXPECT_CODE(finder->find(image::Image(99, 99), "b.png"), StatusCode::kInvalidArgument);
  for (int i = 0; i < 3; ++i) {
    const auto frame = finder->track(image::Image(100, 100), i, i * 40'000, "clip.mp4");
    MIEN_ASSERT_OK(frame);
    ASSERT_EQ(frame->size(), i < 2 ? 1U : 0U);
    if (i < 2) {
      EXPECT_EQ((*frame)[0].track, 0);
    }
  }
}

TEST(Finder, BoxesComeFromMemoryOrTheCall) {
  auto finder = fake({.mode = Mode::kBoxes, .boxes = {{"a.png", {}, image::Box{5, 6, 30, 40}}}});
  const auto faces = finder->find(image::Image(100, 100), "x/a.png");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 1U);
  EXPECT_EQ((*faces)[0].box, (image::Box{5, 6, 30, 40}));
  const std::vector<image::Box> boxes{{10, 10, 20, 20}, {60, 60, 30, 30}};
  const auto placed = fake()->place(image::Image(100, 100), boxes);
  MIEN_ASSERT_OK(placed);
  ASSERT_EQ(placed->size(), 2U);
  EXPECT_EQ((*placed)[0].box, boxes[0]);  // in the given order, not by size
  EXPECT_EQ((*placed)[1].source, FaceSource::kBoxes);
  EXPECT_EQ((*placed)[1].track, -1);
  for (int i = 0; i < 3; ++i) {
    const std::vector<image::Box> now{{60.0F + 2 * static_cast<float>(i), 60, 30, 30},
                                      {10, 10, 20, 20}};
    const auto tracked = finder->track(image::Image(100, 100), i * 40'000, now);
    MIEN_ASSERT_OK(tracked);
    ASSERT_EQ(tracked->size(), 2U);
    EXPECT_EQ((*tracked)[0].track, 0);
    EXPECT_EQ((*tracked)[1].track, 1);
  }
  for (const image::Box bad : {image::Box{200, 0, 20, 20}, image::Box{0.1F, 0.1F, 0.5F, 0.5F}}) {
    MIEN_EXPECT_CODE(fake()->place(image::Image(100, 100), std::vector{bad}),
                     StatusCode::kInvalidArgument);
    MIEN_EXPECT_CODE(fake()->track(image::Image(100, 100), 0, std::vector{bad}),
                     StatusCode::kInvalidArgument);
  }
}

TEST(Finder, OnlyTheRegionIsSearched) {
  image::Image picture(640, 480);
  paint_face(picture, {50, 60, 90, 90}, 1);
  paint_face(picture, {400, 300, 80, 80}, 2);
  for (const image::Box region :
       {image::Box{320, 240, 320, 240}, image::Box{0.5F, 0.5F, 0.5F, 0.5F},
        image::Box{320, 240, 400, 300}}) {
    FakeDetector::Log log;
    auto finder = fake({.region = region}, &log);
    const auto faces = finder->find(picture, "a");
    MIEN_ASSERT_OK(faces);
    ASSERT_EQ(faces->size(), 1U);
    EXPECT_EQ((*faces)[0].box, (image::Box{400, 300, 80, 80}));  // of the whole picture
    EXPECT_EQ(log.widths, std::vector<int>{320});
    const auto worker = finder->make_worker();
    const FramePlan plan = finder->plan(picture, 0, 0);
    EXPECT_TRUE(plan.due);
    const auto found = worker->search(picture, plan);
    MIEN_ASSERT_OK(found);
    const auto followed = finder->follow(picture, 0, 0, "x", plan, *found);
    MIEN_ASSERT_OK(followed);
    ASSERT_EQ(followed->size(), 1U);
    EXPECT_EQ((*followed)[0].box, (image::Box{400, 300, 80, 80}));
    EXPECT_NEAR(finder->smallest_face(640, 480), 40, 0.1);  // of 320 x 240
  }
  auto tiny = fake({.region = image::Box{0.1F, 0.1F, 1e-4F, 1e-4F}});
  EXPECT_TRUE(tiny->find(picture, "a")->empty());
  EXPECT_TRUE(tiny->track(picture, 0, 0, "a")->empty());
  auto outside = fake({.region = image::Box{600, 0, 200, 100}});
  EXPECT_EQ(test::problem_of(outside->find(picture, "a")),
            "invalid_argument: region: 600,0,200,100 lies mostly outside the picture (expected "
            "x,y,w,h in pixels, x from 0 to 640 and y from 0 to 480)");
  MIEN_EXPECT_CODE(outside->track(picture, 0, 0, "a"), StatusCode::kInvalidArgument);
  EXPECT_EQ(outside->smallest_face(640, 480), 0);
  for (const Mode mode : {Mode::kWhole, Mode::kBoxes}) {
    MIEN_EXPECT_CODE(
        make_finder({.mode = mode, .landmarks = false, .region = image::Box{0, 0, 9, 9}}),
        StatusCode::kInvalidArgument);
  }
  MIEN_EXPECT_CODE(make_finder({.landmarks = false, .region = image::Box{0, 0, -1, 9}}),
                   StatusCode::kInvalidArgument);
}

TEST(Finder, OptionsReferToPixelsOfTheFile) {
  image::Reduced half{image::Image(320, 240), 640, 480};
  paint_face(half.image, {200, 150, 40, 40}, 1);
  FakeDetector::Log log;
  const auto boxes =
      fake({.mode = Mode::kBoxes, .boxes = {{"a", {}, image::Box{400, 300, 80, 80}}}})
          ->find_reduced(half, "a");
  MIEN_ASSERT_OK(boxes);
  ASSERT_EQ(boxes->size(), 1U);
  EXPECT_EQ((*boxes)[0].box, (image::Box{200, 150, 40, 40}));
  for (const image::Box region :
       {image::Box{320, 240, 320, 240}, image::Box{0.5F, 0.5F, 0.5F, 0.5F}}) {
    const auto faces = fake({.min_face = 40, .region = region}, &log)->find_reduced(half, "a");
    MIEN_ASSERT_OK(faces);
    ASSERT_EQ(faces->size(), 1U);
    EXPECT_EQ((*faces)[0].box, (image::Box{200, 150, 40, 40}));
    EXPECT_EQ(log.widths.back(), 160);
    EXPECT_EQ(log.calls.back().scale, 4);  // 40 pixels of the file are 20 of the picture
  }
}

TEST(Finder, MinFaceSetsTheSearch) {
  FakeDetector::Log log;
  image::Image picture(640, 480);
  paint_face(picture, {10, 10, 40, 40}, 1);
  auto finder = fake({.min_face = 160}, &log);
  MIEN_ASSERT_OK(finder->find(picture, ""));
  MIEN_ASSERT_OK(finder->track(picture, 0, 0, ""));
  ASSERT_GE(log.calls.size(), 2U);
  EXPECT_EQ(log.calls[0].scale, 0.5F);
  EXPECT_EQ(log.calls[1].scale, 0.5F);
  EXPECT_EQ(finder->smallest_face(1920, 1080), 160);
  EXPECT_NEAR(fake()->smallest_face(1920, 1080), 60, 0.1);
  EXPECT_EQ(fake({.upsample = 1})->smallest_face(1920, 1080), 40);
  EXPECT_EQ(fake({.mode = Mode::kWhole})->smallest_face(1920, 1080), 0);
  EXPECT_EQ(enough_to_find({.min_face = 100}, 48).pixels, 0);
  for (const FinderOptions& bad :
       {FinderOptions{.min_face = 5}, FinderOptions{.min_face = 5000},
        FinderOptions{.min_face = std::numeric_limits<float>::quiet_NaN()},
        FinderOptions{.upsample = 0, .min_face = 60}}) {
    MIEN_EXPECT_CODE(make_finder(bad), StatusCode::kInvalidArgument);
  }
}

TEST(Finder, SingleFollowsTheLargestFaceAsOneTrack) {
  image::Image picture(640, 480);
  paint_face(picture, {10, 10, 40, 40}, 1);
  paint_face(picture, {200, 50, 90, 90}, 2);
  auto finder = fake({.single = true});
  const auto faces = finder->find(picture, "a.png");
  MIEN_ASSERT_OK(faces);
  ASSERT_EQ(faces->size(), 1U);
  EXPECT_EQ((*faces)[0].box.w, 90);
  // Two faces of almost equal size, each larger now and then: one of them stays chosen.
  for (std::int64_t i = 0; i < 20; ++i) {
    image::Image frame(640, 480);
    const float more = i % 2 == 0 ? 0.0F : 8.0F;
    paint_face(frame, {50, 50, 90, 90}, 1);
    paint_face(frame, {300, 50, 86 + more, 86 + more}, 2);
    const auto now = finder->track(frame, i, i * 40'000, "");
    MIEN_ASSERT_OK(now);
    ASSERT_EQ(now->size(), 1U) << i;
    EXPECT_EQ((*now)[0].track, 0);
    EXPECT_LT((*now)[0].box.x, 100) << i;
  }
  // Away for a moment: no other face takes over; away for long: the other one.
  std::int64_t first = -1;
  for (std::int64_t i = 20; i < 60; ++i) {
    image::Image frame(640, 480);
    paint_face(frame, {300, 50, 90, 90}, 2);
    const auto now = finder->track(frame, i, i * 40'000, "");
    MIEN_ASSERT_OK(now);
    if (!now->empty() && first < 0) first = i;
    for (const Face& face : *now) EXPECT_EQ(face.track, 0);
  }
  EXPECT_GE(first, 44);
  EXPECT_LE(first, 46);
  // Half as large again: the other one takes over at once.
  image::Image frame(640, 480);
  paint_face(frame, {300, 50, 90, 90}, 2);
  paint_face(frame, {20, 200, 150, 150}, 1);
  const auto now = finder->track(frame, 60, 2'400'000, "");
  MIEN_ASSERT_OK(now);
  ASSERT_EQ(now->size(), 1U);
  EXPECT_EQ((*now)[0].box.w, 150);
  EXPECT_EQ((*now)[0].track, 0);
}

TEST(Finder, TracksHaveIdsAndResetForgetsThem) {
  auto finder = fake();
  image::Image frame(320, 240);
  paint_face(frame, {50, 50, 40, 40}, 1);
  EXPECT_EQ((*finder->track(frame, 0, 0, ""))[0].track, 0);
  image::Image other(320, 240);
  paint_face(other, {200, 100, 40, 40}, 1);
  EXPECT_EQ((*finder->track(other, 10, 400'000, ""))[0].track, 1);
  finder->reset();
  EXPECT_EQ((*finder->track(other, 0, 0, ""))[0].track, 0);
}

TEST(Finder, BadOptionsAreNamed) {
  const auto problem = [](const FinderOptions& options) {
    return test::problem_of(make_finder(options));
  };
  EXPECT_EQ(problem({.upsample = 5}), "invalid_argument: upsample: is 5 (expected -1 to 4)");
  EXPECT_EQ(problem({.upsample = -2}), "invalid_argument: upsample: is -2 (expected -1 to 4)");
  EXPECT_EQ(problem({.detect_every = 0}),
            "invalid_argument: detect_every: is 0 (expected 1 or more)");
  EXPECT_EQ(problem({.min_score = std::numeric_limits<float>::quiet_NaN()}),
            "invalid_argument: min_score: is not a finite number");
  EXPECT_EQ(problem({.mode = Mode::kBoxes}),
            "invalid_argument: boxes: none given (expected a CSV file, or boxes in memory)");
  EXPECT_EQ(problem({.landmark_model = "/nowhere/m.dat"}).substr(0, 45),
            "not_found: landmark model: /nowhere/m.dat: ca");
  MIEN_EXPECT_CODE(
      make_finder({.mode = Mode::kBoxes, .landmarks = false, .boxes_file = "/nowhere/b.csv"}),
      StatusCode::kNotFound);
}

TEST(Finder, BrokenLandmarkModelIsReportedAtTheFirstFace) {
  const test::TempDir folder;
  std::ofstream(folder / "m.dat") << "no model";
  auto finder = make_finder({.landmark_model = folder / "m.dat"}, std::make_unique<FakeDetector>());
  MIEN_ASSERT_OK(finder);
  image::Image picture(300, 200);
  EXPECT_TRUE((*finder)->find(picture, "")->empty());
  paint_face(picture, {50, 50, 40, 40}, 1);
  MIEN_EXPECT_CODE((*finder)->find(picture, ""), StatusCode::kCorrupt);
}

TEST(Finder, OtherLandmarkModelsAreUsed) {
  const test::TempDir folder;
  std::ofstream(folder / "m.dat", std::ios::binary) << test::TinyModel().write().bytes;
  auto finder = make_finder({.landmark_model = folder / "m.dat"}, std::make_unique<FakeDetector>());
  MIEN_ASSERT_OK(finder);
  image::Image picture(300, 200);
  paint_face(picture, {50, 50, 40, 40}, 1);
  const auto faces = (*finder)->find(picture, "");
  MIEN_ASSERT_OK(faces);
  EXPECT_EQ((*faces)[0].landmarks68.size(), 2U);
  EXPECT_FALSE((*faces)[0].landmarks5.has_value());
}

TEST(Finder, ModesHaveNames) {
  for (const Mode mode : {Mode::kAuto, Mode::kHog, Mode::kWhole, Mode::kBoxes}) {
    EXPECT_EQ(*parse_mode(to_string(mode)), mode);
  }
  MIEN_EXPECT_CODE(parse_mode("dlib"), StatusCode::kInvalidArgument);
  EXPECT_EQ(to_string(FaceSource::kDetected), "detected");
  EXPECT_EQ(to_string(FaceSource::kWhole), "whole");
  EXPECT_EQ(to_string(FaceSource::kBoxes), "boxes");
}

TEST(Finder, KnowsHowSmallAPictureMayBe) {
  EXPECT_GT(enough_to_find({}, 48).pixels, 6e6);  // searched exactly as the large one
  EXPECT_LT(enough_to_find({}, 48).pixels, 6.001e6);
  EXPECT_GT(enough_to_find({}, 224).pixels, 40e6);
  EXPECT_EQ(enough_to_find({.mode = Mode::kWhole}, 48).side, 384);
  EXPECT_EQ(enough_to_find({.mode = Mode::kBoxes}, 48).pixels, 0);
  EXPECT_EQ(enough_to_find({.upsample = 0}, 48).pixels, 0);
  EXPECT_EQ(enough_to_find({.region = image::Box{0, 0, 99, 99}}, 48).pixels, 0);
  Face face;
  face.box = {1, 2, 3, 4};
  face.landmarks68 = {{5, 6}};
  face.landmarks5 = {{{1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}}};
  scale_face(face, 2, 3);
  EXPECT_EQ(face.box, (image::Box{2, 6, 6, 12}));
  EXPECT_EQ(face.landmarks68[0].x, 10);
  EXPECT_EQ(face.landmarks68[0].y, 18);
  EXPECT_EQ((*face.landmarks5)[4].x, 10);
  EXPECT_EQ((*face.landmarks5)[4].y, 3);
}

TEST(Finder, PortraitWithLandmarksIsRepeatable) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  if (!std::filesystem::exists(kSystemLandmarkModel)) GTEST_SKIP() << "install libdlib-data";
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  std::vector<std::vector<image::Point>> points;
  for (int i = 0; i < 2; ++i) {
    auto finder = make_finder({});
    MIEN_ASSERT_OK(finder);
    const auto faces = (*finder)->find(*picture, "astronaut.png");
    MIEN_ASSERT_OK(faces);
    ASSERT_EQ(faces->size(), 1U);
    const Face& face = (*faces)[0];
    ASSERT_TRUE(face.landmarks5.has_value());
    const auto& five = *face.landmarks5;
    EXPECT_NEAR(five[0].x, 207, 8);  // left eye as seen
    EXPECT_NEAR(five[0].y, 106, 8);
    EXPECT_NEAR(five[1].x, 246, 8);
    EXPECT_LT(five[1].y, five[2].y);
    EXPECT_LT(five[2].y, five[3].y);
    EXPECT_LT(five[3].x, five[4].x);
    points.push_back(face.landmarks68);
  }
  EXPECT_EQ(points[0], points[1]);
}

TEST(Finder, TightCropOfThePortraitIsFoundOrWhole) {
  MIEN_SKIP_WITHOUT_ASTRONAUT();
  const auto picture = image::load(test::astronaut());
  MIEN_ASSERT_OK(picture);
  auto finder = make_finder({.landmarks = false});
  MIEN_ASSERT_OK(finder);
  const auto tight = (*finder)->find(image::crop(*picture, {180, 75, 90, 90}), "");
  MIEN_ASSERT_OK(tight);
  ASSERT_EQ(tight->size(), 1U);
  // A part of the picture without a face is neither found nor whole.
  const auto none = (*finder)->find(image::crop(*picture, {330, 30, 150, 150}), "");
  MIEN_ASSERT_OK(none);
  EXPECT_TRUE(none->empty());
}

}  // namespace
}  // namespace mien::face
