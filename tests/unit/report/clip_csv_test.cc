#include "mien/report/clip_csv.h"

#include <gtest/gtest.h>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

pipeline::TrackResult sample_track() {
  pipeline::TrackResult out = test::track_of("calm, content");
  out.input = "=a,b.mp4";
  out.track = 3;
  out.shares.insert(out.shares.begin() + 1, {.label = "sad"});
  out.labels = {{.label = "sad", .probability = 0.6F},
                {.label = "calm, content", .probability = 0.4F}};
  return out;
}

pipeline::SummaryResult cut_short_of(std::int64_t expected) {
  pipeline::SummaryResult out;
  out.cut_short = video::CutShort{38, expected};
  return out;
}

TEST(ClipCsv, OneRowPerTrack) {
  const ClipCsv csv(ClipCsv::Rows::kTracks, {"sad", "calm, content", "sad"});
  EXPECT_EQ(csv.header(),
            "input,face_id,from,to,frames,seconds,longest,share_sad,\"share_calm, content\","
            "share_unknown,whole_aggregate,whole_top,whole_unknown,whole_p_sad,"
            "\"whole_p_calm, content\",cut_short,expected_frames\n");
  const std::string row =
      "\"'=a,b.mp4\",3,0.000000,1.960000,50,2.000000,\"calm, content\",0.0000,0.7500,0.2500,"
      "mean,sad,0,0.6000,0.4000";
  EXPECT_EQ(csv.rows(sample_track(), {}), row + ",0,\n");
  EXPECT_EQ(csv.rows(sample_track(), cut_short_of(72)), row + ",1,72\n");
  EXPECT_EQ(csv.rows(sample_track(), cut_short_of(0)), row + ",1,\n");
  pipeline::TrackResult nothing;
  nothing.input = "x";
  EXPECT_EQ(csv.rows(nothing, {}), "x,0,0.000000,0.000000,0,0.000000,,,,,,,,,,0,\n");
}

TEST(ClipCsv, OneRowPerSegment) {
  const ClipCsv csv(ClipCsv::Rows::kSegments, {"sad", "calm, content"});
  EXPECT_EQ(csv.header(),
            "input,face_id,from,to,seconds,label,unknown,probability,"
            "cut_short,expected_frames\n");
  EXPECT_EQ(csv.rows(sample_track(), cut_short_of(72)),
            "\"'=a,b.mp4\",3,0.000000,1.500000,1.500000,\"calm, content\",0,0.8765,1,72\n"
            "\"'=a,b.mp4\",3,1.500000,2.000000,0.500000,unknown,1,,1,72\n");
}

TEST(ClipCsv, ChangesAgainstABaseline) {
  auto track = sample_track();
  track.baseline = pipeline::BaselineResult{
      .seconds = 1, .labels = {{.label = "sad", .baseline = 0.5, .mean = 0.25, .change = -0.25}}};
  track.segments[0].change = 0.125;
  track.segments[0].risen = "sad";
  track.segments[0].risen_by = 0.25;
  const ClipCsv tracks(ClipCsv::Rows::kTracks, {"sad"}, {.changes = true});
  EXPECT_TRUE(tracks.header().ends_with(
      ",baseline_seconds,baseline_sad,change_sad,cut_short,expected_frames\n"));
  EXPECT_TRUE(tracks.rows(track, {}).ends_with(",1.000000,0.5000,-0.2500,0,\n"))
      << tracks.rows(track, {});
  const ClipCsv segments(ClipCsv::Rows::kSegments, {"sad"}, {.changes = true});
  EXPECT_TRUE(segments.header().ends_with(
      ",probability,change,risen,risen_by,cut_short,expected_frames\n"));
  EXPECT_NE(segments.rows(track, {}).find(",0,0.8765,0.1250,sad,0.2500,0,\n"), std::string::npos);
  EXPECT_TRUE(segments.rows(track, {}).ends_with(",unknown,1,,,,,0,\n"));
}

TEST(ClipCsv, WallTimesAreTheLastColumns) {
  auto track = sample_track();
  track.clock = *parse_wall_time("2026-02-28T23:59:59+01:00");
  const ClipCsv tracks(ClipCsv::Rows::kTracks, {"sad"}, {.clock = true});
  EXPECT_TRUE(tracks.header().ends_with(",from_clock,to_clock\n"));
  EXPECT_TRUE(tracks.rows(track, {}).ends_with(
      ",2026-02-28T23:59:59.000000+01:00,2026-03-01T00:00:00.960000+01:00\n"));
  EXPECT_TRUE(tracks.rows(sample_track(), {}).ends_with(",0,,,\n"));
  const ClipCsv segments(ClipCsv::Rows::kSegments, {"sad"}, {.clock = true});
  EXPECT_TRUE(segments.header().ends_with(",expected_frames,from_clock,to_clock\n"));
  EXPECT_TRUE(segments.rows(track, {}).ends_with(
      ",2026-03-01T00:00:00.500000+01:00,2026-03-01T00:00:01.000000+01:00\n"));
}

}  // namespace
}  // namespace mien::report
