#include <gmock/gmock.h>

#include <cmath>

#include "kernels/ops.h"
#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"
#include "pipeline/frame_keeper.h"
#include "pipeline/track_book.h"
#include "pipeline_test_support.h"

namespace mien::pipeline {
namespace {

void expect_ok(const Status& status) { EXPECT_EQ(status.message(), ""); }

using test::FakeClip;
using test::pattern;
using test::probabilities;
using ::testing::FloatNear;
using ::testing::Pointwise;

// Row i of the sequence is (i, -i), so every kept row tells where it came from.
void expect_regular(const FrameKeeper& keeper, std::int64_t seen, std::int64_t capacity) {
  EXPECT_EQ(keeper.seen(), seen);
  EXPECT_LE(keeper.kept(), capacity);
  EXPECT_EQ(keeper.step() & (keeper.step() - 1), 0);
  EXPECT_EQ(keeper.kept(), (seen + keeper.step() - 1) / keeper.step());
  for (std::int64_t index = 0; index < keeper.kept(); ++index) {
    const auto expected = static_cast<float>(index * keeper.step());
    ASSERT_EQ(keeper.row(index)[0], expected) << seen;
    ASSERT_EQ(keeper.row(index)[1], -expected) << seen;
  }
}

TEST(FrameKeeper, KeepsARegularGridForEveryLength) {
  for (const std::int64_t capacity : {2, 6, 8, 64}) {
    FrameKeeper keeper(2, capacity);
    EXPECT_EQ(keeper.kept(), 0);
    for (std::int64_t i = 0; i < 1000; ++i) {
      const float value = static_cast<float>(i);
      keeper.add(std::vector<float>{value, -value});
      expect_regular(keeper, i + 1, capacity);
    }
    EXPECT_GT(keeper.kept(), capacity / 2 - 1);
  }
}

TEST(FrameKeeper, KeepsEverythingUntilItIsFull) {
  FrameKeeper keeper(1, 8);
  for (int i = 0; i < 8; ++i) keeper.add(std::vector<float>{0});
  EXPECT_EQ(keeper.step(), 1);
  EXPECT_EQ(keeper.kept(), 8);
  keeper.add(std::vector<float>{0});
  EXPECT_EQ(keeper.step(), 2);
  EXPECT_EQ(keeper.kept(), 5);
}

class TemporalTest : public test::PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "temporal", {.temporal = true}));
    auto bundle = engine::Bundle::load(dir_ / "temporal");
    MIEN_ASSERT_OK(bundle);
    bundle_ = *bundle;
  }

  // The temporal model over rows in the order that the rule gives (8 frames, every second one).
  std::vector<float> by_hand(const std::vector<std::vector<float>>& rows) {
    const auto order =
        video::sample(bundle_->info().sampling, static_cast<std::int64_t>(rows.size()),
                      video::SamplingPhase::kTest, nullptr);
    EXPECT_TRUE(order.ok());
    std::vector<float> window;
    for (const std::int64_t i : *order) {
      const auto& row = rows[static_cast<std::size_t>(i)];
      window.insert(window.end(), row.begin(), row.end());
    }
    const auto model = bundle_->temporal_encoder();
    EXPECT_TRUE(model.ok());
    std::vector<float> out(rows.front().size());
    engine::Session session;
    expect_ok((*model)->encode(window.data(), 1, 8, out.data(), session));
    kernels::l2_normalize_rows(out.data(), 1, static_cast<std::int64_t>(out.size()));
    return out;
  }

  // Raw image tower embeddings of the first frames of a FakeClip.
  std::vector<std::vector<float>> raw_rows(int count) {
    std::vector<std::vector<float>> out;
    const auto encoder = bundle_->image_encoder();
    EXPECT_TRUE(encoder.ok());
    engine::Session session;
    const auto& info = bundle_->info();
    const auto side = static_cast<std::size_t>(info.architecture.image_size());
    for (int i = 0; i < count; ++i) {
      face::Face face;
      face.box = {0, 0, 48, 40};
      face.source = face::FaceSource::kWhole;
      const auto crop = face::crop_face(pattern(i), face, info.crop);
      std::vector<float> pixels(3 * side * side);
      expect_ok(image::preprocess(*crop, info.preprocess, pixels));
      out.emplace_back(static_cast<std::size_t>((*encoder)->embed()));
      expect_ok((*encoder)->encode(pixels.data(), 1, out.back().data(), session));
    }
    return out;
  }

  std::vector<float> scored(const std::vector<float>& unit, const Recognizer& recognizer) {
    engine::Session session;
    const auto scorer = engine::LabelScorer::make(*bundle_, labels_, {}, session);
    EXPECT_TRUE(scorer.ok());
    return probabilities((*scorer)->score(unit).labels, recognizer.label_names());
  }
};

TEST_F(TemporalTest, ATrackIsReadByTheTemporalModel) {
  for (const int frames : {1, 5, 16}) {
    SCOPED_TRACE(frames);
    FakeClip clip(frames);
    const auto recognizer = make();
    EXPECT_EQ(recognizer->aggregate(), engine::Aggregate::kTemporal);
    const auto done = recognizer->clip(clip, "x", {});
    MIEN_ASSERT_OK(done);
    ASSERT_EQ(done->tracks.size(), 1U);
    EXPECT_EQ(done->tracks[0].aggregate, engine::Aggregate::kTemporal);
    EXPECT_THAT(probabilities(done->tracks[0].labels, recognizer->label_names()),
                Pointwise(FloatNear(1e-4F), scored(by_hand(raw_rows(frames)), *recognizer)));
  }
}

TEST_F(TemporalTest, FramesAreScoredAlone) {
  FakeClip clip(3);
  const auto recognizer = make();
  std::vector<FrameResult> seen;
  ClipSink sink;
  sink.frame = [&](const ClipFrame& frame) -> Status {
    seen.push_back(frame.result);
    return {};
  };
  MIEN_ASSERT_OK(recognizer->clip(clip, "x", sink));
  const auto rows = raw_rows(3);
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<float> unit = rows[i];
    kernels::l2_normalize_rows(unit.data(), 1, static_cast<std::int64_t>(unit.size()));
    EXPECT_THAT(seen[i].faces[0].embedding, Pointwise(FloatNear(1e-4F), unit));
    EXPECT_EQ(seen[i].aggregate, engine::Aggregate::kMean);
  }
}

TEST_F(TemporalTest, APictureIsAClipThatRepeatsIt) {
  const auto recognizer = make();
  const auto faces = recognizer->image(pattern(0), "x");
  MIEN_ASSERT_OK(faces);
  EXPECT_THAT(faces->front().embedding, Pointwise(FloatNear(1e-4F), by_hand(raw_rows(1))));
}

TEST_F(TemporalTest, ALongTrackIsReadInWindows) {
  FakeClip clip(64);  // 32 kept by the stride: four windows of 8
  const auto recognizer = make();
  const auto done = recognizer->clip(clip, "x", {});
  MIEN_ASSERT_OK(done);
  const auto rows = raw_rows(64);
  std::vector<float> sum(rows.front().size());
  for (std::size_t window = 0; window < 4; ++window) {
    const auto first = rows.begin() + static_cast<std::ptrdiff_t>(16 * window);
    const auto part = by_hand({first, first + 16});
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
  }
  kernels::l2_normalize_rows(sum.data(), 1, static_cast<std::int64_t>(sum.size()));
  EXPECT_THAT(probabilities(done->tracks[0].labels, recognizer->label_names()),
              Pointwise(FloatNear(1e-4F), scored(sum, *recognizer)));
}

TEST_F(TemporalTest, MemoryIsBoundedOverAllTracks) {
  const auto clips = engine::ClipReader::make(*bundle_);
  MIEN_ASSERT_OK(clips);
  TrackBook book(*clips, 40);
  engine::Session session;
  const auto rows = raw_rows(2);
  for (std::int64_t track = 0; track < 30; ++track) {
    for (std::int64_t i = 0; i < 10; ++i) {
      MIEN_ASSERT_OK(book.add(track, 1000 * track + i, rows[track % 2], session));
      EXPECT_LE(book.rows(), 40);
    }
  }
  const auto scorer = engine::LabelScorer::make(*bundle_, labels_, {}, session);
  MIEN_ASSERT_OK(scorer);
  const auto results = book.results("x", scorer->get());
  MIEN_ASSERT_OK(results);
  ASSERT_EQ(results->size(), 30U);
  // Folded or not, a track of equal frames has the answer of its frames.
  for (std::size_t track = 0; track < 30; ++track) {
    EXPECT_EQ((*results)[track].frames, 10);
    EXPECT_NEAR((*results)[track].labels[0].cosine, (*results)[28 + track % 2].labels[0].cosine,
                1e-5);
  }
  // A folded track that comes back goes on.
  MIEN_ASSERT_OK(book.add(0, 90'000, rows[0], session));
  EXPECT_EQ(book.results("x", scorer->get())->front().frames, 11);
}

TEST_F(TemporalTest, AVeryLongTrackStaysBounded) {
  const auto clips = engine::ClipReader::make(*bundle_);
  MIEN_ASSERT_OK(clips);
  TrackBook book(*clips);
  engine::Session session;
  const auto rows = raw_rows(1);
  for (std::int64_t i = 0; i < 5000; ++i) MIEN_ASSERT_OK(book.add(0, i, rows[0], session));
  EXPECT_LE(book.rows(), TrackBook::kRowsPerTrack);
  const auto scorer = engine::LabelScorer::make(*bundle_, labels_, {}, session);
  MIEN_ASSERT_OK(scorer);
  MIEN_ASSERT_OK(book.results("x", scorer->get()));
}

// With and without a temporal model: tracks and pictures have values, frames when asked for, and a
// bundle without labels has nothing else.
TEST_F(TemporalTest, RegressionValues) {
  for (const bool temporal : {true, false}) {
    SCOPED_TRACE(temporal);
    MIEN_ASSERT_OK(engine::write_tiny_bundle(
        dir_ / "head", {.temporal = temporal, .targets = {"a", "b"}, .overwrite = true}));
    bundle_ = *engine::Bundle::load(dir_ / "head");
    labels_ = {};
    options_.scores = false;
    engine::Session session;
    const auto reader = engine::ClipReader::make(*bundle_);
    MIEN_ASSERT_OK(reader);
    const auto expected = [&](int frames) {
      auto plan = reader->plan(frames);
      if (!temporal) {  // a track is the mean of its frames, each of which counts once
        plan->windows.assign(1, {});
        for (std::size_t i = 0; i < plan->frames.size(); ++i) {
          plan->windows[0].push_back(static_cast<std::int64_t>(i));
        }
      }
      const auto rows = raw_rows(frames);
      std::vector<float> chosen;
      for (const std::int64_t i : plan->frames) {
        const auto& row = rows[static_cast<std::size_t>(i)];
        chosen.insert(chosen.end(), row.begin(), row.end());
      }
      return reader->read(*plan, chosen.data(), session)->values;
    };
    for (const bool every : {false, true}) {
      options_.frame_values = every;
      const auto recognizer = make();
      EXPECT_EQ(recognizer->target_names(), (std::vector<std::string>{"a", "b"}));
      std::vector<FrameResult> seen;
      ClipSink sink;
      sink.frame = [&](const ClipFrame& frame) -> Status {
        seen.push_back(frame.result);
        return {};
      };
      FakeClip clip(5);
      const auto done = recognizer->clip(clip, "x", sink);
      MIEN_ASSERT_OK(done);
      const auto& track = done->tracks.at(0);
      EXPECT_TRUE(track.labels.empty());
      ASSERT_EQ(track.values.size(), 2U);
      EXPECT_EQ(track.values[1].target, "b");
      EXPECT_NEAR(track.values[1].value, expected(5)[1], 1e-4);
      EXPECT_EQ(seen[0].faces[0].values.size(), every ? 2U : 0U);
      const auto faces = recognizer->image(pattern(0), "x");
      MIEN_ASSERT_OK(faces);
      EXPECT_NEAR(faces->front().values.at(0).value, expected(1)[0], 1e-4);
      if (every) {
        EXPECT_NEAR(seen[0].faces[0].values[0].value, expected(1)[0], 1e-4);
      }
    }
  }
}

TEST_F(TemporalTest, ValuesOfFoldedTracksCountByTheirFrames) {
  MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "head", {.temporal = true, .targets = {"a"}}));
  bundle_ = *engine::Bundle::load(dir_ / "head");
  const auto clips = engine::ClipReader::make(*bundle_);
  MIEN_ASSERT_OK(clips);
  TrackBook book(*clips, 20);
  engine::Session session;
  const auto rows = raw_rows(1);
  for (std::int64_t track = 0; track < 6; ++track) {
    for (int i = 0; i < 10; ++i) MIEN_ASSERT_OK(book.add(track, 10 * track + i, rows[0], session));
  }
  MIEN_ASSERT_OK(book.add(0, 900, rows[0], session));
  const auto results = book.results("x", nullptr);
  MIEN_ASSERT_OK(results);
  for (const TrackResult& track : *results) {
    EXPECT_NEAR(track.values.at(0).value, results->back().values.at(0).value, 1e-4) << track.track;
  }
}

}  // namespace
}  // namespace mien::pipeline
