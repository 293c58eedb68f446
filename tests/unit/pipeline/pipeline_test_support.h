#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "engine/tiny_bundle.h"
#include "mien/pipeline/recognizer.h"
#include "mien/text/labels.h"
#include "support/test_support.h"

namespace mien::pipeline::test {

/// A picture whose pixels depend on `seed`.
inline image::Image pattern(int seed, int width = 48, int height = 40) {
  image::Image out(width, height);
  std::uint32_t state = static_cast<std::uint32_t>(seed) * 2654435761U + 1;
  for (std::uint8_t& value : out.pixels()) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<std::uint8_t>(state >> 24);
  }
  return out;
}

/// A clip that is made up while it is read: `frames` patterns, 40 ms apart.
class FakeClip final : public video::VideoSource {
 public:
  explicit FakeClip(std::int64_t frames, bool live = false) : frames_(frames) {
    info_.width = 48;
    info_.height = 40;
    info_.fps = 25;
    info_.live = live;
  }
  const video::ClipInfo& info() const override { return info_; }
  Result<std::optional<video::Frame>> next() override {
    if (pause_us > 0) std::this_thread::sleep_for(std::chrono::microseconds(pause_us));
    if (at_ == fail_at) return corrupt("fake: broken");
    if (at_ >= frames_) return std::optional<video::Frame>();
    video::Frame frame;
    frame.image = pattern(static_cast<int>(at_));
    frame.index = at_;
    frame.timestamp_us = at_ * 40'000;
    ++at_;
    decoded = at_;
    return std::optional<video::Frame>(std::move(frame));
  }
  Status seek(std::int64_t) override { return unsupported("fake: seek"); }
  std::int64_t corrupt_frames() const override { return 3; }

  std::int64_t fail_at = -1;
  int pause_us = 0;
  std::atomic<std::int64_t> decoded{0};

 private:
  const std::int64_t frames_;
  std::int64_t at_ = 0;
  video::ClipInfo info_;
};

class PipelineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    MIEN_ASSERT_OK(engine::write_tiny_bundle(dir_ / "tiny"));
    auto bundle = engine::Bundle::load(dir_ / "tiny");
    MIEN_ASSERT_OK(bundle);
    bundle_ = *bundle;
    labels_ = {
        "three",
        {{"happy", {"a smile", "a laugh"}, {}}, {"sad", {"tears"}, {}}, {"calm", {"calm"}, {}}}};
    options_.finder.mode = face::Mode::kWhole;
    options_.finder.landmarks = false;
    options_.embeddings = true;
  }

  std::unique_ptr<Recognizer> make() {
    auto out = Recognizer::make(bundle_, labels_, options_);
    EXPECT_EQ(mien::test::problem_of(out), "");
    return std::move(out).value();
  }

  /// Boxes of the clip or picture "x"; frame -1 leaves the column empty.
  void use_boxes(const std::string& csv) {
    const auto path = dir_ / "boxes.csv";
    FILE* file = std::fopen(path.c_str(), "wb");
    ASSERT_NE(file, nullptr);
    std::fputs(csv.c_str(), file);
    std::fclose(file);
    options_.finder.mode = face::Mode::kBoxes;
    options_.finder.boxes_file = path;
  }

  mien::test::TempDir dir_;
  std::shared_ptr<const engine::Bundle> bundle_;
  text::LabelSet labels_;
  RecognizerOptions options_;
};

/// The probabilities of all labels, in the order of `names`.
inline std::vector<float> probabilities(const std::vector<engine::LabelScore>& scores,
                                        const std::vector<std::string>& names) {
  std::vector<float> out;
  for (const std::string& name : names) {
    const auto at = std::find_if(scores.begin(), scores.end(),
                                 [&](const engine::LabelScore& s) { return s.label == name; });
    out.push_back(at == scores.end() ? -1.0F : at->probability);
  }
  return out;
}

}  // namespace mien::pipeline::test
