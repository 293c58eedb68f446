#include <gmock/gmock.h>

#include <numeric>

#include "kernels/ops.h"
#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/cpu.h"
#include "pipeline_test_support.h"

namespace mien::pipeline {
namespace {

using test::FakeClip;
using test::pattern;
using test::probabilities;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatNear;
using ::testing::Pointwise;

class ClipTest : public test::PipelineTest {
 protected:
  void TearDown() override { kernels::set_threads(0); }
  /// Collects what the sink is given.
  ClipSink sink(bool images = false, bool every_frame = false) {
    ClipSink out;
    out.images = images;
    out.every_frame = every_frame;
    out.frame = [this, images](const ClipFrame& frame) -> Status {
      EXPECT_EQ(frame.image != nullptr, images);
      if (frame.image != nullptr) {
        const auto expected = pattern(static_cast<int>(frame.result.frame));
        EXPECT_EQ(frame.image->pixels(), expected.pixels()) << frame.result.frame;
      }
      if (frame.analysed) analysed_.push_back(frame.result.frame);
      seen_.push_back(frame.result);
      return sink_status_;
    };
    return out;
  }
  std::vector<std::int64_t> numbers() const {
    std::vector<std::int64_t> out;
    for (const FrameResult& frame : seen_) out.push_back(frame.frame);
    return out;
  }
  static std::vector<std::int64_t> first(std::int64_t count) {
    std::vector<std::int64_t> out(static_cast<std::size_t>(count));
    std::iota(out.begin(), out.end(), 0);
    return out;
  }

  std::vector<FrameResult> seen_;
  std::vector<std::int64_t> analysed_;
  Status sink_status_;
};

TEST_F(ClipTest, EveryFrameOnceAndInOrder) {
  for (const int batch : {1, 7, 16, 1000}) {
    SCOPED_TRACE(batch);
    seen_.clear();
    options_.batch = batch;
    FakeClip clip(75);
    const auto done = make()->clip(clip, "x", sink());
    MIEN_ASSERT_OK(done);
    EXPECT_EQ(numbers(), first(75));
    for (const FrameResult& frame : seen_) {
      EXPECT_TRUE(frame.is_clip);
      EXPECT_EQ(frame.input, "x");
      EXPECT_EQ(frame.timestamp_us, frame.frame * 40'000);
      EXPECT_EQ(frame.width, 48);
      EXPECT_EQ(frame.height, 40);
      ASSERT_EQ(frame.faces.size(), 1U);
      EXPECT_EQ(frame.faces[0].face.track, 0);
    }
    EXPECT_EQ(done->summary.frames, 75);
    EXPECT_EQ(done->summary.analysed_frames, 75);
    EXPECT_EQ(done->summary.faces, 75);
    EXPECT_EQ(done->summary.tracks, 1);
    EXPECT_EQ(done->summary.corrupt_frames, 3);
    EXPECT_NEAR(done->summary.media_seconds, 75 * 0.04, 1e-9);  // with the last frame
  }
}

TEST_F(ClipTest, NoFrames) {
  FakeClip clip(0);
  const auto done = make()->clip(clip, "x", sink());
  MIEN_ASSERT_OK(done);
  EXPECT_TRUE(seen_.empty());
  EXPECT_TRUE(done->tracks.empty());
  EXPECT_EQ(done->summary.frames, 0);
}

TEST_F(ClipTest, WithoutASink) {
  FakeClip clip(5);
  const auto done = make()->clip(clip, "x", {});
  MIEN_ASSERT_OK(done);
  EXPECT_EQ(done->summary.faces, 5);
}

TEST_F(ClipTest, EveryNthFrame) {
  options_.every = 4;
  FakeClip clip(10);
  const auto done = make()->clip(clip, "x", sink());
  MIEN_ASSERT_OK(done);
  EXPECT_THAT(numbers(), ElementsAre(0, 4, 8));
  EXPECT_EQ(done->summary.frames, 10);
  EXPECT_EQ(done->summary.analysed_frames, 3);
  EXPECT_EQ(done->tracks.front().frames, 3);
}

TEST_F(ClipTest, AtMostThisManyFramesPerSecond) {
  options_.max_fps = 10;  // of 25
  FakeClip clip(10);
  MIEN_ASSERT_OK(make()->clip(clip, "x", sink()));
  EXPECT_THAT(numbers(), ElementsAre(0, 3, 6, 9));
}

TEST_F(ClipTest, FramesBetweenCarryTheLastFaces) {
  options_.every = 3;
  FakeClip clip(8);
  MIEN_ASSERT_OK(make()->clip(clip, "x", sink(true, true)));
  EXPECT_EQ(numbers(), first(8));
  EXPECT_THAT(analysed_, ElementsAre(0, 3, 6));
  for (const FrameResult& frame : seen_) {
    ASSERT_EQ(frame.faces.size(), 1U);
    EXPECT_EQ(frame.faces[0].embedding,
              seen_[static_cast<std::size_t>(frame.frame / 3 * 3)].faces[0].embedding);
    EXPECT_EQ(frame.timestamp_us, frame.frame * 40'000);
  }
}

TEST_F(ClipTest, TrackIsTheMeanEmbeddingScored) {
  FakeClip clip(20);
  const auto recognizer = make();
  const auto done = recognizer->clip(clip, "x", sink());
  MIEN_ASSERT_OK(done);
  ASSERT_EQ(done->tracks.size(), 1U);
  const TrackResult& track = done->tracks[0];
  EXPECT_EQ(track.from_us, 0);
  EXPECT_EQ(track.to_us, 19 * 40'000);
  EXPECT_EQ(track.frames, 20);

  // The same from the tower's own embeddings, one picture at a time.
  engine::Session session;
  const auto encoder = bundle_->image_encoder();
  MIEN_ASSERT_OK(encoder);
  std::vector<double> sum(static_cast<std::size_t>((*encoder)->embed()));
  std::vector<float> one(sum.size());
  const auto& info = bundle_->info();
  const auto side = static_cast<std::size_t>(info.architecture.image_size());
  for (int i = 0; i < 20; ++i) {
    std::vector<float> pixels(3 * side * side);
    face::Face face;
    face.box = {0, 0, 48, 40};
    face.source = face::FaceSource::kWhole;
    const auto crop = face::crop_face(pattern(i), face, info.crop);
    MIEN_ASSERT_OK(crop);
    MIEN_ASSERT_OK(image::preprocess(*crop, info.preprocess, pixels));
    MIEN_ASSERT_OK((*encoder)->encode(pixels.data(), 1, one.data(), session));
    for (std::size_t k = 0; k < sum.size(); ++k) sum[k] += static_cast<double>(one[k]);
  }
  std::vector<float> mean(sum.begin(), sum.end());
  kernels::l2_normalize_rows(mean.data(), 1, static_cast<std::int64_t>(mean.size()));
  const auto scorer = engine::LabelScorer::make(*bundle_, labels_, {}, session);
  MIEN_ASSERT_OK(scorer);
  EXPECT_THAT(probabilities(track.labels, recognizer->label_names()),
              Pointwise(FloatNear(1e-4F),
                        probabilities((*scorer)->score(mean).labels, recognizer->label_names())));
}

TEST_F(ClipTest, PushAgreesWithClip) {
  FakeClip clip(12);
  const auto recognizer = make();
  const auto done = recognizer->clip(clip, "x", sink());
  MIEN_ASSERT_OK(done);
  const auto live = make();
  for (int i = 0; i < 12; ++i) {
    const auto faces = live->push(pattern(i), i * 40'000);
    MIEN_ASSERT_OK(faces);
    ASSERT_EQ(faces->size(), 1U);
    EXPECT_EQ(faces->front().face.track, 0);
    ASSERT_TRUE(faces->front().steady);
    EXPECT_EQ(faces->front().steady->labels.size(), 3U);
    EXPECT_THAT(
        faces->front().embedding,
        Pointwise(FloatNear(1e-4F), seen_[static_cast<std::size_t>(i)].faces.front().embedding));
  }
  const auto answer = live->tracks();
  MIEN_ASSERT_OK(answer);
  const auto& tracks = *answer;
  ASSERT_EQ(tracks.size(), 1U);
  EXPECT_EQ(tracks[0].frames, 12);
  EXPECT_EQ(tracks[0].to_us, 11 * 40'000);
  ASSERT_EQ(tracks[0].shares.size(), 4U);
  double seconds = 0;
  for (const LabelTime& time : tracks[0].shares) seconds += time.seconds;
  EXPECT_NEAR(seconds, 0.48, 1e-9);
  EXPECT_EQ(tracks[0].segments.front().from_us, 0);
  EXPECT_EQ(tracks[0].segments.back().to_us, 480'000);
  EXPECT_THAT(
      probabilities(tracks[0].labels, live->label_names()),
      Pointwise(FloatNear(1e-4F), probabilities(done->tracks[0].labels, live->label_names())));
  live->reset();
  EXPECT_TRUE(live->tracks()->empty());
}

TEST_F(ClipTest, FramesNameTheirSegment) {
  FakeClip clip(90);
  options_.every = 2;
  const auto done = make()->clip(clip, "x", sink(true, true));
  MIEN_ASSERT_OK(done);
  EXPECT_EQ(numbers(), first(90));
  const auto& segments = done->tracks.at(0).segments;
  ASSERT_FALSE(segments.empty());
  for (const FrameResult& frame : seen_) {
    const auto at = std::find_if(segments.begin(), segments.end(), [&](const TrackSegment& s) {
      return s.from_us <= frame.timestamp_us / 80'000 * 80'000 &&
             frame.timestamp_us / 80'000 * 80'000 < s.to_us;
    });
    ASSERT_NE(at, segments.end());
    ASSERT_TRUE(frame.faces.at(0).steady);
    EXPECT_EQ(frame.faces[0].steady->top(), at->label) << frame.frame;
  }
}

TEST_F(ClipTest, TheNextClipStartsAnew) {
  const auto recognizer = make();
  FakeClip one(5);
  FakeClip two(3);
  MIEN_ASSERT_OK(recognizer->clip(one, "x", sink()));
  const auto done = recognizer->clip(two, "y", sink());
  MIEN_ASSERT_OK(done);
  ASSERT_EQ(done->tracks.size(), 1U);
  EXPECT_EQ(done->tracks[0].frames, 3);
  EXPECT_EQ(done->tracks[0].input, "y");
}

TEST_F(ClipTest, DecoderErrorComesAfterTheFramesBeforeIt) {
  FakeClip clip(50);
  clip.fail_at = 20;
  MIEN_EXPECT_CODE(make()->clip(clip, "x", sink()), StatusCode::kCorrupt);
  EXPECT_EQ(numbers(), first(20));
}

TEST_F(ClipTest, DecoderErrorAtOnce) {
  FakeClip clip(50);
  clip.fail_at = 0;
  MIEN_EXPECT_CODE(make()->clip(clip, "x", sink()), StatusCode::kCorrupt);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ClipTest, RecognizerWorksAfterAnError) {
  const auto recognizer = make();
  FakeClip broken(50);
  broken.fail_at = 5;
  EXPECT_FALSE(recognizer->clip(broken, "x", sink()).ok());
  seen_.clear();
  FakeClip good(9);
  MIEN_ASSERT_OK(recognizer->clip(good, "y", sink()));
  EXPECT_EQ(numbers(), first(9));
}

TEST_F(ClipTest, SinkErrorEndsTheClip) {
  sink_status_ = io_error("full: cannot be written");
  options_.batch = 4;
  FakeClip clip(100'000);
  MIEN_EXPECT_CODE(make()->clip(clip, "x", sink()), StatusCode::kIo);
  EXPECT_EQ(seen_.size(), 1U);
  EXPECT_LT(clip.decoded, 200);
}

TEST_F(ClipTest, SinkThatThrowsEndsTheClipToo) {
  FakeClip clip(100'000);
  ClipSink throws;
  throws.frame = [](const ClipFrame&) -> Status { throw std::bad_alloc(); };
  const auto recognizer = make();
  EXPECT_THROW((void)recognizer->clip(clip, "x", throws), std::bad_alloc);
  EXPECT_LT(clip.decoded, 200);
}

TEST_F(ClipTest, CancelEndsTheClipAndKeepsWhatWasDelivered) {
  std::atomic<bool> cancel{false};
  FakeClip clip(100'000);
  ClipSink counting;
  std::int64_t count = 0;
  counting.frame = [&](const ClipFrame& frame) -> Status {
    EXPECT_EQ(frame.result.frame, count++);
    if (count == 40) cancel = true;
    return {};
  };
  MIEN_EXPECT_CODE(make()->clip(clip, "x", counting, &cancel), StatusCode::kCancelled);
  EXPECT_GE(count, 40);
  EXPECT_LT(count, 200);
}

TEST_F(ClipTest, CancelledBeforeItBegins) {
  const std::atomic<bool> cancel{true};
  FakeClip clip(100'000);
  MIEN_EXPECT_CODE(make()->clip(clip, "x", sink(), &cancel), StatusCode::kCancelled);
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ClipTest, CancellingALiveClipIsItsEnd) {
  std::atomic<bool> cancel{false};
  FakeClip clip(1'000'000, true);
  clip.pause_us = 1000;
  ClipSink counting;
  std::int64_t count = 0;
  counting.frame = [&](const ClipFrame&) -> Status {
    if (++count == 10) cancel = true;
    return {};
  };
  const auto done = make()->clip(clip, "x", counting, &cancel);
  MIEN_ASSERT_OK(done);
  EXPECT_EQ(done->tracks.front().frames, count);
  EXPECT_EQ(done->summary.analysed_frames, count);
}

TEST_F(ClipTest, ALiveFrameDoesNotWaitForAFullBatch) {
  FakeClip clip(40, true);
  clip.pause_us = 5000;
  ClipSink watching;
  std::int64_t most = 0;
  watching.frame = [&](const ClipFrame& frame) -> Status {
    most = std::max(most, clip.decoded - frame.result.frame);
    return {};
  };
  options_.batch = 32;
  kernels::set_threads(2);
  MIEN_ASSERT_OK(make()->clip(clip, "x", watching));
  EXPECT_LT(most, 20);  // not the batch
}

TEST_F(ClipTest, ASlowSinkHoldsTheDecoderBack) {
  kernels::set_threads(2);
  for (const bool faces : {true, false}) {
    SCOPED_TRACE(faces);
    if (!faces) use_boxes("path,frame,x,y,w,h\nx,5000,0,0,20,20\n");
    FakeClip clip(600);
    ClipSink slow;
    std::int64_t most = 0;
    slow.images = true;
    slow.frame = [&](const ClipFrame& frame) -> Status {
      std::this_thread::sleep_for(std::chrono::microseconds(300));
      most = std::max(most, clip.decoded - frame.result.frame);
      return {};
    };
    MIEN_ASSERT_OK(make()->clip(clip, "x", slow));
    EXPECT_LT(most, 60);  // at most 32 waiting, four for each thread
  }
}

TEST_F(ClipTest, ThreadsChangeNothing) {
  // From no face to four in a frame, in no regular order.
  std::string csv = "path,frame,x,y,w,h\nx,0,0,0,20,20\n";
  for (int frame = 1; frame < 150; ++frame) {
    for (int i = 0; i < (frame * 7) % 5; ++i) {
      csv += "x," + std::to_string(frame) + "," + std::to_string(7 * i) + ",5,20,20\n";
    }
  }
  use_boxes(csv);
  std::vector<FrameResult> truth;
  std::vector<TrackResult> tracks;
  for (const int threads : {1, 2, 3, 7}) {
    SCOPED_TRACE(threads);
    kernels::set_threads(threads);
    seen_.clear();
    FakeClip clip(150);
    const auto done = make()->clip(clip, "x", sink(true));
    MIEN_ASSERT_OK(done);
    EXPECT_EQ(kernels::threads(), threads);
    EXPECT_EQ(numbers(), first(150));
    if (threads == 1) {
      truth = seen_;
      tracks = done->tracks;
      ASSERT_GT(tracks.size(), 3U);
    }
    for (std::size_t i = 0; i < truth.size(); ++i) {
      ASSERT_EQ(seen_[i].faces.size(), truth[i].faces.size()) << i;
      for (std::size_t k = 0; k < truth[i].faces.size(); ++k) {
        EXPECT_EQ(seen_[i].faces[k].face.track, truth[i].faces[k].face.track);
        EXPECT_EQ(seen_[i].faces[k].embedding, truth[i].faces[k].embedding) << i;
      }
    }
    ASSERT_EQ(done->tracks.size(), tracks.size());
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      EXPECT_EQ(probabilities(done->tracks[i].labels, {"happy", "sad", "calm"}),
                probabilities(tracks[i].labels, {"happy", "sad", "calm"}));
    }
  }
}

TEST_F(ClipTest, AnErrorComesAfterTheFramesBeforeItWhateverTheThreads) {
  for (const int threads : {1, 2, 5}) {
    SCOPED_TRACE(threads);
    kernels::set_threads(threads);
    seen_.clear();
    FakeClip clip(100'000);
    clip.fail_at = 77;
    MIEN_EXPECT_CODE(make()->clip(clip, "x", sink()), StatusCode::kCorrupt);
    EXPECT_EQ(numbers(), first(77));
  }
}

TEST_F(ClipTest, WhatASourceThrowsComesToTheCaller) {
  class Throwing final : public video::VideoSource {
   public:
    const video::ClipInfo& info() const override { return clip_.info(); }
    Result<std::optional<video::Frame>> next() override {
      if (clip_.decoded == 30) throw std::bad_alloc();
      return clip_.next();
    }
    Status seek(std::int64_t) override { return {}; }
    std::int64_t corrupt_frames() const override { return 0; }

   private:
    FakeClip clip_{100};
  };
  for (const int threads : {1, 4}) {
    kernels::set_threads(threads);
    Throwing clip;
    const auto recognizer = make();
    EXPECT_THROW((void)recognizer->clip(clip, "x", sink()), std::bad_alloc);
  }
}

TEST_F(ClipTest, FramesWithoutAFace) {
  use_boxes("path,frame,x,y,w,h\nx,3,0,0,20,20\nx,4,0,0,20,20\nx,4,25,10,20,20\n");
  FakeClip clip(10);
  const auto done = make()->clip(clip, "x", sink());
  MIEN_ASSERT_OK(done);
  EXPECT_EQ(numbers(), first(10));
  std::vector<std::size_t> faces;
  for (const FrameResult& frame : seen_) faces.push_back(frame.faces.size());
  EXPECT_THAT(faces, ElementsAre(0, 0, 0, 1, 2, 0, 0, 0, 0, 0));
  EXPECT_EQ(done->summary.faces, 3);
  ASSERT_EQ(done->tracks.size(), 2U);
  EXPECT_EQ(done->tracks[0].frames, 2);
  EXPECT_EQ(done->tracks[0].from_us, 3 * 40'000);
  EXPECT_EQ(done->tracks[1].frames, 1);
}

TEST_F(ClipTest, FinderErrorEndsTheClip) {
  use_boxes("path,frame,x,y,w,h\nother,3,0,0,20,20\n");
  FakeClip clip(100'000);
  const auto done = make()->clip(clip, "x", sink());
  MIEN_EXPECT_CODE(done, StatusCode::kNotFound);
  EXPECT_LT(clip.decoded, 200);
}

}  // namespace
}  // namespace mien::pipeline
