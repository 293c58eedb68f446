#include "report/table.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "core/utf8.h"
#include "report/text.h"
#include "report/timeline.h"
#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using test::kHappy;
using test::kSad;
using test::picture_of;
using ::testing::Test;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) out.push_back(line);
  return out;
}

bool has_control(const std::string& text) {
  for (const char32_t c : to_code_points(text)) {
    if ((c < 0x20 && c != '\n') || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E)) {
      return true;
    }
  }
  return false;
}

TEST(Text, WidthOfWideCombiningAndEmoji) {
  EXPECT_EQ(display_width(""), 0);
  EXPECT_EQ(display_width("abc"), 3);
  EXPECT_EQ(display_width("é"), 1);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("幸せ"), 4);
  EXPECT_EQ(display_width("행복"), 4);
  EXPECT_EQ(display_width("ｶﾞ"), 2) << "half width";
  EXPECT_EQ(display_width("😀"), 2);
  EXPECT_EQ(display_width("\U0001F468\u200D\U0001F469\u200D\U0001F467"), 2) << "family";
  EXPECT_EQ(display_width("\U0001F44D\U0001F3FD"), 2) << "thumb with a skin tone";
  EXPECT_EQ(display_width("\U0001F1EB\U0001F1F7"), 2) << "flag";
  EXPECT_EQ(display_width("\u2764\uFE0F"), 2) << "heart in emoji style";
  EXPECT_EQ(display_width("مبتسم"), 5);
}

TEST(Text, PrintableShowsWhatWouldSteerATerminal) {
  EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
  EXPECT_EQ(printable(std::string("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(printable("\u009B31m"), "\\u009b31m") << "C1 control sequence introducer";
  EXPECT_EQ(printable("\u202Eevil"), "\\u202eevil");
  EXPECT_EQ(printable("\u2028"), "\\u2028");
  EXPECT_EQ(printable("\xff"), "\uFFFD");
  EXPECT_EQ(printable("abcdef", 3), "abc…");
  EXPECT_EQ(printable("Café 幸せ 😀"), "Café 幸せ 😀");
}

TEST(Text, FitFillsAndCutsByColumns) {
  EXPECT_EQ(fit("ab", 4), "ab  ");
  EXPECT_EQ(fit("ab", 4, Align::kRight), "  ab");
  EXPECT_EQ(fit("abcdef", 4), "abc…");
  EXPECT_EQ(fit("abcdef", 4, Align::kLeft, false), "abc~");
  EXPECT_EQ(fit("幸せな顔", 4), "幸… ") << "a wide character is not cut in half";
  EXPECT_EQ(fit("幸せ", 4, Align::kLeft, false), "??  ");
  EXPECT_EQ(fit("abc", 0), "");
  EXPECT_EQ(fit("abc", 3), "abc");
  EXPECT_EQ(fit("", 2), "  ");
}

TEST(Text, AnyTextFitsExactly) {
  for (const std::string& text : test::hostile_texts()) {
    for (const int width : {1, 2, 7, 40}) {
      for (const bool unicode : {true, false}) {
        const std::string out = fit(text, width, Align::kLeft, unicode);
        EXPECT_EQ(display_width(out), width) << out.substr(0, 100);
        EXPECT_FALSE(has_control(out));
        EXPECT_LT(out.size(), 4000U);
        EXPECT_TRUE(unicode || to_code_points(out).size() == out.size());
      }
    }
  }
}

TEST(Table, PictureBlock) {
  auto unknown = face_at({300, 50, 80, 90}, kSad);
  unknown.unknown = true;
  const auto lines =
      lines_of(picture_table(picture_of({face_at({100, 120, 64, 64}, kHappy), unknown})));
  ASSERT_EQ(lines.size(), 8U);
  EXPECT_EQ(lines[0], "photos/party.jpg  640x480, 2 faces");
  EXPECT_EQ(lines[1], "  1   happy      91%  █████████████████████▉    at 100,120, 64x64");
  EXPECT_EQ(lines[2], "      surprise    6%  █▌");
  EXPECT_EQ(lines[4], "  2   unknown  at 300,50, 80x90");
  EXPECT_EQ(lines[5].find("      sad"), 0U);
}

TEST(Table, ShowsTheIntensityBesideThePosition) {
  auto face = face_at({100, 120, 64, 64}, kHappy);
  face.intensity = 0.426F;
  const auto lines = lines_of(picture_table(picture_of({face})));
  EXPECT_NE(lines[1].find("at 100,120, 64x64, intensity 43%"), std::string::npos) << lines[1];
}

TEST(Table, NoFaceWholeFaceAndDetectedFace) {
  EXPECT_EQ(picture_table(picture_of({})), "photos/party.jpg  640x480, no face\n");
  auto whole = face_at({0, 0, 640, 480}, kHappy);
  whole.face.source = face::FaceSource::kWhole;
  EXPECT_NE(picture_table(picture_of({whole})).find("whole picture"), std::string::npos);
  const std::string detected = picture_table(picture_of({face_at({1, 2, 3, 4}, {})}));
  EXPECT_EQ(detected, "photos/party.jpg  640x480, 1 face\n  1   at 1,2, 3x4\n");
}

TEST(Table, ValuesOfARegressionStandBelowAFace) {
  auto face = face_at({1, 2, 3, 4}, {});
  face.values = {{"blunted affect", 3.25F}, {"tab\there", -0.5F}};
  EXPECT_EQ(picture_table(picture_of({face})),
            "photos/party.jpg  640x480, 1 face\n  1   at 1,2, 3x4\n"
            "      blunted affect       3.250\n      tab\\there           -0.500\n");
  pipeline::TrackResult track;
  track.values = face.values;
  const std::string clip =
      clip_table({.input = "x", .is_clip = true, .tracks = 1}, std::span(&track, 1), {});
  EXPECT_NE(clip.find("blunted affect       3.250\n"), std::string::npos);
  EXPECT_NE(clip.find("tracks: mean of their frames"), std::string::npos);
  EXPECT_EQ(clip.find("timeline"), std::string::npos);
}

TEST(Table, AsciiAndColourAreOptions) {
  const auto picture = picture_of({face_at({100, 120, 64, 64}, kHappy)});
  TableOptions options;
  EXPECT_EQ(picture_table(picture, options).find('\x1b'), std::string::npos);
  options.unicode = false;
  const std::string ascii = picture_table(picture, options);
  EXPECT_EQ(to_code_points(ascii).size(), ascii.size());
  EXPECT_NE(ascii.find("####"), std::string::npos);
  options.colour = true;
  EXPECT_NE(picture_table(picture, options).find("\x1b[1mhappy"), std::string::npos);
}

TEST(Table, NeverWiderThanTheTerminalAndNeverSteersIt) {
  pipeline::SummaryResult summary;
  summary.is_clip = true;
  summary.media_seconds = 20;
  std::vector<pipeline::TrackResult> tracks;
  std::vector<engine::FaceResult> faces;
  for (const std::string& text : test::hostile_texts()) {
    const auto id = static_cast<std::int64_t>(tracks.size());
    faces.push_back(face_at({1e9F, -5, 1e20F, 2}, {{text, 0.5F}, {text + "2", 0.4F}}, id));
    pipeline::TrackResult track;
    track.track = id;
    track.labels = faces.back().labels;
    track.unknown = id % 2 == 1;
    track.shares = {{.label = text, .seconds = 1, .share = 0.5},
                    {.label = "unknown", .unknown = true, .seconds = 1, .share = 0.5}};
    track.segments = {
        {.from_us = 0, .to_us = 1'000'000, .label = text, .probability = 0.5},
        {.from_us = 1'000'000, .to_us = 2'000'000, .label = "unknown", .unknown = true}};
    if (id % 3 == 2) track.segments.clear();
    if (id % 2 == 0) track.clock = *parse_wall_time("2026-03-01T23:59:59.5+01:00");
    tracks.push_back(track);
  }
  for (const int width : {-3, 40, 61, 80, 200}) {
    for (const bool unicode : {true, false}) {
      const TableOptions options{.width = width, .top = 3, .unicode = unicode};
      for (const std::string& text : test::hostile_texts()) {
        auto picture = picture_of(faces);
        picture.input = text;
        summary.input = text;
        const std::string out =
            picture_table(picture, options) + clip_table(summary, tracks, options);
        EXPECT_FALSE(has_control(out));
        for (const std::string& line : lines_of(out)) {
          ASSERT_LE(display_width(line), std::max(width, 40)) << line;
        }
        if (text.size() > 100'000) break;  // once with the largest is enough
      }
    }
  }
}

// A face that is sad for six seconds, then happy for four with an unknown second; the mean of all
// frames says happy.
pipeline::TrackResult cries_then_laughs() {
  pipeline::TrackResult track;
  track.to_us = 10'000'000;
  track.frames = 101;
  track.shares = {{.label = "sad", .seconds = 6, .share = 0.6},
                  {.label = "happy", .seconds = 3, .share = 0.3},
                  {.label = "neutral"},
                  {.label = "unknown", .unknown = true, .seconds = 1, .share = 0.1}};
  track.segments = {
      {.from_us = 0, .to_us = 6'000'000, .label = "sad", .probability = 0.71},
      {.from_us = 6'000'000, .to_us = 7'000'000, .label = "unknown", .unknown = true},
      {.from_us = 7'000'000, .to_us = 10'000'000, .label = "happy", .probability = 0.93}};
  track.labels = face_at({}, kHappy).labels;
  return track;
}

TEST(Table, AClipShowsSharesAndSegmentsBeforeTheWholeReading) {
  auto track = cries_then_laughs();
  const pipeline::SummaryResult summary{.input = "clip.mp4",
                                        .is_clip = true,
                                        .frames = 250,
                                        .analysed_frames = 101,
                                        .faces = 161,
                                        .tracks = 1,
                                        .corrupt_frames = 1,
                                        .media_seconds = 10.0};
  EXPECT_EQ(clip_table(summary, std::vector{track}, {.unicode = false}),
            "clip.mp4  0:10.0, 250 frames, 101 analysed, 1 track, 1 broken\n"
            "  #0  0:00.0 to 0:10.0, 101 frames\n"
            "      share of time\n"
            "      sad        60%  ##############           0:06.0\n"
            "      happy      30%  #######                  0:03.0\n"
            "      unknown    10%  ##                       0:01.0\n"
            "      segments\n"
            "      sad        71%  0:00.0 to 0:06.0\n"
            "      unknown         0:06.0 to 0:07.0\n"
            "      happy      93%  0:07.0 to 0:10.0\n"
            "      whole track read as one, the mean of its frames: happy 91%, surprise 6%, ~\n"
            "  timeline, 0:00.0 to 0:10.0\n"
            "  #0  ssssssssssssssssssssssssssssssssssssssssssss???????hhhhhhhhhhhhhhhhhhhhhh\n"
            "     s sad  h happy  ? unknown  . absent\n");
  track.aggregate = engine::Aggregate::kTemporal;
  EXPECT_THAT(clip_table(summary, std::vector{track}),
              testing::HasSubstr("read as one, by the temporal model: happy"));
}

TEST(Table, AClipShowsClockTimesWhereKnown) {
  auto track = cries_then_laughs();
  track.clock = *parse_wall_time("2026-02-28T23:59:53+01:00");
  const pipeline::SummaryResult summary{
      .input = "x", .is_clip = true, .media_seconds = 10, .clock = track.clock};
  const std::string text = clip_table(summary, std::vector{track}, {.width = 100});
  for (const char* line :
       {"  0:00.0 is 2026-02-28 23:59:53 +01:00\n",
        "  #0  0:00.0 to 0:10.0 (23:59:53.0 to 2026-03-01 00:00:03.0), 101 frames\n",
        "      sad        71%  0:00.0 to 0:06.0 (23:59:53.0 to 23:59:59.0)\n",
        "      happy      93%  0:07.0 to 0:10.0 (2026-03-01 00:00:00.0 to 00:00:03.0)\n",
        "  timeline, 0:00.0 to 0:10.0 (23:59:53.0 to 2026-03-01 00:00:03.0)\n"}) {
    EXPECT_THAT(text, testing::HasSubstr(line));
  }
  auto frame = frame_of(7.5, {face_at({}, kHappy, 0)});
  frame.clock = track.clock;
  EXPECT_EQ(now_line(frame), "2026-03-01 00:00:00.5  #0 happy 91%");
}

TEST(Table, OneLineAboutNow) {
  auto steady = face_at({}, kHappy, 3);
  steady.steady = engine::SteadyAnswer{.labels = {{.label = "sad", .probability = 0.617F}}};
  auto unknown = face_at({}, kHappy, 4);
  unknown.unknown = true;
  const auto frame = frame_of(12.34, {face_at({}, kHappy, 0), steady, unknown, face_at({}, {}, 5)});
  EXPECT_EQ(now_line(frame), "0:12.3  #0 happy 91%  #3 sad 62%  #4 unknown");
  for (const std::string& text : test::hostile_texts()) {
    const auto line = now_line(frame_of(1, {face_at({}, {{text, 0.5F}}, 0)}), {.width = 50});
    EXPECT_LE(display_width(line), 50);
    EXPECT_FALSE(has_control(line));
  }
}

TEST(Table, TheTimeLineShowsWhereAFaceIsAway) {
  auto first = cries_then_laughs();
  auto second = first;
  second.track = 4;
  second.segments = {{.from_us = 2'000'000, .to_us = 8'000'000, .label = "sad"}};
  const auto lines = lines_of(
      clip_table({.input = "x", .is_clip = true, .media_seconds = 10}, std::vector{first, second}));
  const std::string& row = lines[lines.size() - 2];
  EXPECT_EQ(row.find("  #4  .............."), 0U) << row;
  EXPECT_EQ(row.find("sss"), row.find_first_not_of('.', 6)) << row;
  EXPECT_EQ(row.back(), '.');
}

TEST(Table, AClipShowsChangesAgainstItsBaseline) {
  auto track = cries_then_laughs();
  track.segments[2].change = 0.45;
  track.baseline = pipeline::BaselineResult{
      .seconds = 2,
      .labels = {{.label = "sad", .change = -0.05}, {.label = "happy", .change = 0.2}}};
  const pipeline::SummaryResult summary{.input = "x", .is_clip = true, .media_seconds = 10};
  std::string text = clip_table(summary, std::vector{track});
  EXPECT_THAT(text, testing::HasSubstr("      happy      93%  +45  0:07.0 to 0:10.0\n"));
  EXPECT_THAT(text,
              testing::HasSubstr("      against its baseline of 0:02.0: happy +20, sad -5\n"));
  track.baseline->labels.clear();
  text = clip_table(summary, std::vector{track});
  EXPECT_THAT(text, testing::HasSubstr("      no baseline: the face was not visible\n"));
}

TEST(Table, LongListsAreCut) {
  auto track = cries_then_laughs();
  for (int i = 0; i < 100; ++i) {
    track.segments.push_back(
        {.from_us = (10 + i) * 1'000'000, .to_us = (11 + i) * 1'000'000, .label = "sad"});
    track.shares.insert(track.shares.begin(), {.label = std::to_string(i), .seconds = 9});
  }
  const std::string text =
      clip_table({.input = "x", .is_clip = true, .media_seconds = 110}, std::vector{track});
  EXPECT_THAT(text, testing::HasSubstr("      and 90 others\n"));
  EXPECT_THAT(text, testing::HasSubstr("      and 91 more\n"));
  EXPECT_THAT(text, testing::HasSubstr("      unknown "));
}

TEST(Table, Clock) {
  EXPECT_EQ(clock_text(0), "0:00.0");
  EXPECT_EQ(clock_text(59.96), "1:00.0");
  EXPECT_EQ(clock_text(65.24), "1:05.2");
  EXPECT_EQ(clock_text(600), "10:00");
  EXPECT_EQ(clock_text(3600), "1:00:00");
  EXPECT_EQ(clock_text(-1), "?");
  EXPECT_EQ(clock_text(std::nan("")), "?");
  EXPECT_EQ(clock_text(1e300), "1000000:00:00");
}

TEST(Timeline, EmptyAndSingleFrame) {
  ClipTimeline timeline;
  EXPECT_TRUE(timeline.empty());
  EXPECT_EQ(timeline.label_at(0, 0, 1000), ClipTimeline::kAbsent);
  timeline.add(frame_of(0, {face_at({1, 2, 3, 4}, kHappy)}));
  EXPECT_TRUE(timeline.empty()) << "faces without a track are left out";
  timeline.add(frame_of(0, {face_at({1, 2, 3, 4}, kHappy, 5)}));
  EXPECT_EQ(timeline.tracks(), std::vector<std::int64_t>{5});
  EXPECT_EQ(timeline.label_at(5, 0, 1000), 0);
  EXPECT_EQ(timeline.label_at(5, 1'000'000, 2'000'000), ClipTimeline::kAbsent);
}

TEST(Timeline, FillsBetweenFramesOfATrackButNotAcrossAbsence) {
  ClipTimeline timeline;
  const auto happy = face_at({1, 2, 3, 4}, kHappy, 0);
  timeline.add(frame_of(0, {happy}));
  timeline.add(frame_of(1, {happy}));
  timeline.add(frame_of(2, {}));
  timeline.add(frame_of(3, {happy}));
  EXPECT_EQ(timeline.label_at(0, 500'000, 520'000), 0);
  EXPECT_EQ(timeline.label_at(0, 2'500'000, 2'520'000), ClipTimeline::kAbsent);
  EXPECT_TRUE(timeline.is_current(0));
  timeline.add(frame_of(4, {}));
  EXPECT_FALSE(timeline.is_current(0));
}

TEST(Timeline, ASteadyAnswerMayBridgeAnAbsence) {
  ClipTimeline timeline;
  auto face = face_at({1, 2, 3, 4}, kHappy, 0);
  face.steady = engine::SteadyAnswer{.labels = {{.label = "happy", .probability = 0.9F}}};
  for (const double t : {0.0, 0.2, 0.4, 0.6, 1.0, 1.2, 11.2, 11.4}) {
    std::vector<engine::FaceResult> faces;
    face.steady->continues = t > 0.0 && t < 11.2;
    if (t != 0.6) faces.push_back(face);
    timeline.add(frame_of(t, faces));
  }
  EXPECT_EQ(timeline.label_at(0, 700'000, 720'000), 0);
  EXPECT_EQ(timeline.label_at(0, 5'000'000, 5'020'000), ClipTimeline::kAbsent);
  EXPECT_EQ(timeline.label_at(0, 11'200'000, 11'220'000), 0);
}

TEST(Timeline, ShowsTheSteadyAnswer) {
  ClipTimeline timeline;
  auto face = face_at({1, 2, 3, 4}, kHappy, 0);
  face.steady = engine::SteadyAnswer{.labels = {{.label = "sad", .probability = 0.6F}}};
  timeline.add(frame_of(0, {face}));
  EXPECT_EQ(timeline.labels(), std::vector<std::string>{"sad"});
  face.steady->unknown = true;
  timeline.add(frame_of(1, {face}));
  EXPECT_EQ(timeline.label_at(0, 1'000'000, 1'020'000), ClipTimeline::kUnknown);
}

TEST(Timeline, KeepsTheLargestIntensityOfEveryPart) {
  ClipTimeline timeline;
  for (int second = 0; second < 4000; ++second) {
    auto face = face_at({}, kHappy, 0);
    if (second >= 1000) face.intensity = second == 3000 ? 0.9F : 0.25F;
    timeline.add(frame_of(second, {face}));
  }
  EXPECT_FALSE(timeline.intensity_at(0, 0, 900'000'000));
  EXPECT_FALSE(timeline.intensity_at(1, 0, 4'000'000'000));
  EXPECT_NEAR(*timeline.intensity_at(0, 1'500'000'000, 2'000'000'000), 0.25, 0.01);
  EXPECT_NEAR(*timeline.intensity_at(0, 2'000'000'000, 4'000'000'000), 0.9, 0.01);
  EXPECT_NEAR(*timeline.intensity_at(0, 3'500'000'000, 4'000'000'000), 0.25, 0.01);
}

TEST(Timeline, NanIntensityIsNone) {
  ClipTimeline timeline;
  auto face = face_at({}, kHappy, 0);
  face.intensity = std::nanf("");
  timeline.add(frame_of(0, {face}));
  EXPECT_FALSE(timeline.intensity_at(0, 0, 1000));
  face.intensity = 7.0F;
  timeline.add(frame_of(0, {face}));
  EXPECT_EQ(timeline.intensity_at(0, 0, 1000), 1.0);
}

TEST(Timeline, LongClipsKeepTheirShape) {
  ClipTimeline timeline;
  for (int second = 0; second < 4000; ++second) {
    timeline.add(frame_of(second, {face_at({}, second < 2000 ? kHappy : kSad, 0)}));
  }
  EXPECT_EQ(timeline.label_at(0, 0, 1'900'000'000), 0);
  EXPECT_EQ(timeline.label_at(0, 2'100'000'000, 4'000'000'000), 1);
  EXPECT_EQ(timeline.label_at(0, 1'000'000'000, 1'010'000'000), 0);
}

TEST(Timeline, BoundedUnderHostileInput) {
  ClipTimeline timeline;
  for (int i = 0; i < 2000; ++i) {
    auto frame = frame_of(0, {face_at({}, {{"label " + std::to_string(i), 1.0F}}, i)});
    frame.timestamp_us = i % 3 == 0   ? std::numeric_limits<std::int64_t>::max()
                         : i % 3 == 1 ? std::numeric_limits<std::int64_t>::min()
                                      : i;
    timeline.add(frame);
  }
  EXPECT_EQ(timeline.tracks().size(), ClipTimeline::kMaxTracks);
  EXPECT_EQ(timeline.dropped_tracks(), 2000 - ClipTimeline::kMaxTracks);
  EXPECT_LE(timeline.labels().size(), ClipTimeline::kMaxLabels);
  EXPECT_GE(timeline.end_us(), 0);
}

}  // namespace
}  // namespace mien::report
