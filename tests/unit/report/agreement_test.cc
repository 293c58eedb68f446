// All outputs of one clip must tell the same segments.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mien/pipeline/segments.h"
#include "mien/report/clip_csv.h"
#include "mien/report/csv.h"
#include "mien/report/elan.h"
#include "mien/report/json_lines.h"
#include "mien/report/prediction_page.h"
#include "mien/report/subtitles.h"
#include "report/table.h"
#include "report/timeline.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using testing::HasSubstr;

const std::vector<std::string> kAgreeingLabels = {"happy", "sad"};
constexpr double kSmooth = 0.5;

struct ReadClip {
  pipeline::ClipResult clip;
  std::vector<pipeline::FrameResult> frames;
};

// Eight seconds that flicker: sad, then happy, an unknown stretch, happy; away at 3.0 to 4.0 s.
ReadClip read_clip() {
  ReadClip out;
  pipeline::LabelSegments segments(kAgreeingLabels, kSmooth,
                                   pipeline::LabelSegments::Use::kAnswers);
  std::vector<pipeline::FrameResult> waiting;
  const auto take = [&] {
    while (!waiting.empty() && segments.take(waiting.front())) {
      out.frames.push_back(std::move(waiting.front()));
      waiting.erase(waiting.begin());
    }
  };
  for (int i = 0; i < 200; ++i) {
    const double t = 0.04 * i;
    std::vector<engine::FaceResult> faces;
    if (t < 3 || t >= 4) {
      const bool flicker = i % 7 == 0;
      const float sad = (t < 2) != flicker ? 0.7F : 0.2F;
      faces.push_back(face_at({10, 10, 50, 50}, {{"happy", 1 - sad}, {"sad", sad}}, 0));
      if (sad > 0.5F) std::swap(faces[0].labels[0], faces[0].labels[1]);
      faces[0].unknown = t >= 5 && t < 6 && !flicker;
    }
    waiting.push_back(frame_of(t, std::move(faces)));
    segments.add(waiting.back());
    take();
  }
  segments.finish();
  take();
  EXPECT_TRUE(waiting.empty());
  out.clip.summary = {.input = "clip.mp4", .is_clip = true, .frames = 200, .media_seconds = 8};
  pipeline::TrackResult track;
  track.input = "clip.mp4";
  track.labels = face_at({}, {{"happy", 0.6F}, {"sad", 0.4F}}).labels;
  out.clip.tracks = {track};
  pipeline::add_segments(segments, out.clip.tracks);
  out.clip.segments = std::move(segments);
  return out;
}

TEST(Agreement, SegmentsAreThoseOfTheClip) {
  const ReadClip read = read_clip();
  const pipeline::TrackResult& track = read.clip.tracks[0];
  std::vector<std::string> told;
  for (const auto& s : track.segments) {
    told.push_back(fmt::format("{} {:.2f} {:.2f}", s.label, static_cast<double>(s.from_us) / 1e6,
                               static_cast<double>(s.to_us) / 1e6));
  }
  EXPECT_THAT(told, testing::ElementsAre("sad 0.00 1.88", "happy 1.88 3.00", "happy 4.00 5.04",
                                         "unknown 5.04 5.96", "happy 5.96 8.00"));
  double sum = 0;
  std::map<std::string, double> seconds;
  for (const auto& s : track.segments) {
    seconds[s.label] += static_cast<double>(s.to_us - s.from_us) / 1e6;
    sum += static_cast<double>(s.to_us - s.from_us) / 1e6;
  }
  ASSERT_EQ(track.shares.size(), 3U);
  EXPECT_EQ(track.shares[0].label, "happy");
  EXPECT_TRUE(track.shares[2].unknown);
  for (const pipeline::LabelTime& time : track.shares) {
    EXPECT_NEAR(time.seconds, seconds[time.label], 1e-9) << time.label;
    EXPECT_NEAR(time.share, seconds[time.label] / sum, 1e-9) << time.label;
  }
}

TEST(Agreement, EveryFrameIsInItsSegment) {
  const ReadClip read = read_clip();
  ASSERT_EQ(read.frames.size(), 200U);
  ClipTimeline timeline;
  const FaceCsv csv(kAgreeingLabels);
  for (const pipeline::FrameResult& frame : read.frames) {
    timeline.add(frame);
    for (const engine::FaceResult& face : frame.faces) {
      const auto& segments = read.clip.tracks[0].segments;
      const auto at = std::find_if(segments.begin(), segments.end(), [&](const auto& s) {
        return s.from_us <= frame.timestamp_us && frame.timestamp_us < s.to_us;
      });
      ASSERT_NE(at, segments.end());
      ASSERT_TRUE(face.steady);
      EXPECT_EQ(face.steady->top(), at->label) << frame.timestamp_us;
      EXPECT_TRUE(csv.rows(frame).ends_with(',' + at->label + ",0\n"));
      EXPECT_THAT(to_json(frame).dump(),
                  HasSubstr(fmt::format(R"("steady":{{"label":"{}")", at->label)));
    }
  }
  for (const auto& s : read.clip.tracks[0].segments) {  // the drawn time line
    for (std::int64_t at = s.from_us; at + 40'000 <= s.to_us; at += 40'000) {
      const int label = timeline.label_at(0, at, at + 20'000);
      const std::string name = label == ClipTimeline::kUnknown ? "unknown"
                               : label < 0                     ? "away"
                                           : timeline.labels()[static_cast<std::size_t>(label)];
      EXPECT_EQ(name, s.label) << at;
    }
  }
  EXPECT_EQ(timeline.label_at(0, 3'100'000, 3'900'000), ClipTimeline::kAbsent);
}

std::string as_json(double seconds) {  // "2.0", "1.88"
  const std::string text = fmt::format("{:g}", seconds);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

TEST(Agreement, EveryOutputHasEverySegment) {
  const ReadClip read = read_clip();
  const pipeline::TrackResult& track = read.clip.tracks[0];
  PredictionPage page(kAgreeingLabels, {});
  for (const auto& frame : read.frames) EXPECT_TRUE(page.clip_frame(frame, nullptr).ok());
  page.clip(read.clip, read.clip.segments);
  const std::string html = page.html({}, "");
  const std::string table = clip_table(read.clip.summary, read.clip.tracks);
  const std::string vtt = subtitles(read.clip.segments, SubtitleFormat::kVtt);
  const std::string eaf = elan_document(read.clip.segments);
  const std::string csv = ClipCsv(ClipCsv::Rows::kSegments, kAgreeingLabels).rows(track, {});
  const std::string json = to_json(track).dump();
  for (const pipeline::TrackSegment& s : track.segments) {
    const double from = static_cast<double>(s.from_us) / 1e6;
    const double to = static_cast<double>(s.to_us) / 1e6;
    const int percent = static_cast<int>(std::lround(100 * s.probability));
    EXPECT_THAT(
        vtt, HasSubstr(fmt::format("00:00:{:06.3f} --> 00:00:{:06.3f}\n{}\n", from, to, s.label)));
    EXPECT_THAT(eaf, HasSubstr(fmt::format("TIME_VALUE=\"{}\"", s.from_us / 1000)));
    EXPECT_THAT(csv,
                HasSubstr(fmt::format(",{:.6f},{:.6f},{:.6f},{},", from, to, to - from, s.label)));
    EXPECT_THAT(json, HasSubstr(fmt::format(R"({{"label":"{}","unknown":{},"from":{},"to":{},)",
                                            s.label, s.unknown, as_json(from), as_json(to))));
    EXPECT_THAT(html, HasSubstr(fmt::format("<td class=n>{:.3f}</td><td class=n>{:.3f}</td>"
                                            "<td>{}</td><td class=n>{}</td>",
                                            from, to, s.label,
                                            s.unknown ? "" : fmt::format("{}%", percent))));
    EXPECT_THAT(table, HasSubstr(clock_text(from) + " to " + clock_text(to) + "\n"));
  }
  for (const pipeline::LabelTime& time : track.shares) {
    const std::string share = fmt::format("{}%", std::lround(100 * time.share));
    EXPECT_THAT(html, HasSubstr(fmt::format("\"{}, {} of the time\"", time.label, share)));
    EXPECT_THAT(table, testing::ContainsRegex(fmt::format("{} +{} ", time.label, share)));
  }
  EXPECT_THAT(html, HasSubstr("The whole track read as one, the mean of its frames: "
                              "<bdi>happy</bdi> 60%"));
  EXPECT_THAT(table, HasSubstr("whole track read as one, the mean of its frames: happy 60%"));
}

}  // namespace
}  // namespace mien::report
