#include "mien/report/subtitles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using testing::HasSubstr;
using testing::Not;

LabelSegments two_faces() {
  LabelSegments out({"happy", "a<b & -->"}, 0);
  const auto face = [](const std::string& label, std::int64_t track) {
    return face_at({0, 0, 9, 9}, {{label, 0.9F}}, track);
  };
  out.add(frame_of(0.0, {face("happy", 0)}));
  out.add(frame_of(0.5, {face("happy", 0), face("a<b & -->", 3)}));
  out.add(frame_of(1.0, {face("a<b & -->", 3)}));
  out.finish();
  return out;
}

TEST(Subtitles, SrtHasOneCuePerChange) {
  EXPECT_EQ(subtitles(two_faces(), SubtitleFormat::kSrt),
            "1\n00:00:00,000 --> 00:00:00,500\nface 0: happy\n\n"
            "2\n00:00:00,500 --> 00:00:01,000\nface 0: happy\nface 3: a‹b & --›\n\n"
            "3\n00:00:01,000 --> 00:00:01,500\nface 3: a‹b & --›\n\n");
}

TEST(Subtitles, VttEscapesAndHasTheNotice) {
  const std::string text = subtitles(two_faces(), SubtitleFormat::kVtt, "read\n\nme -->");
  EXPECT_TRUE(
      text.starts_with("WEBVTT\n\nNOTE\nread\nme --&gt;\n\n00:00:00.000 --> 00:00:00.500\n"))
      << text;
  EXPECT_THAT(text, HasSubstr("face 3: a&lt;b &amp; --&gt;\n"));
  EXPECT_THAT(text, Not(HasSubstr("\n\n\n")));
}

TEST(Subtitles, OneFaceIsNotNumbered) {
  LabelSegments segments({"happy"}, 0);
  segments.add(frame_of(3599.9, {face_at({0, 0, 9, 9}, {{"happy", 0.9F}}, 4)}));
  segments.add(frame_of(3600.0, {}));
  segments.finish();
  EXPECT_EQ(subtitles(segments, SubtitleFormat::kSrt),
            "1\n00:59:59,900 --> 01:00:00,000\nhappy\n\n");
}

TEST(Subtitles, ShowTheChangeAgainstABaseline) {
  const LabelSegments segments = test::segments_with_a_baseline();
  EXPECT_EQ(subtitles(segments, SubtitleFormat::kSrt),
            "1\n00:00:00,000 --> 00:00:01,000\nsad (0)\n\n"
            "2\n00:00:01,000 --> 00:00:02,000\nhappy (+50)\n\n");
}

TEST(Subtitles, NoFaceIsAnEmptyFile) {
  LabelSegments segments({"happy"});
  segments.finish();
  EXPECT_EQ(subtitles(segments, SubtitleFormat::kSrt), "");
  EXPECT_EQ(subtitles(segments, SubtitleFormat::kVtt), "WEBVTT\n\n");
}

}  // namespace
}  // namespace mien::report
