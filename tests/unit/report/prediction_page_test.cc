#include "mien/report/prediction_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/test_support.h"
#include "unit/report/report_samples.h"

namespace mien::report {
namespace {

using test::face_at;
using test::frame_of;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kLabels = {"happy", "sad", "<i>&"};

std::string clip_page(bool images, const std::optional<WallTime>& clock = {}) {
  PredictionPage page(kLabels, {.images = images});
  LabelSegments segments(kLabels, 0.2);
  const image::Image picture(64, 48);
  for (int i = 0; i < 50; ++i) {
    auto face = face_at({8, 8, 20, 20}, {{i < 30 ? "happy" : "<i>&", 0.8F}, {"sad", 0.1F}}, 0);
    face.unknown = i > 40;
    const auto frame = frame_of(0.1 * i, {face});
    segments.add(frame);
    EXPECT_TRUE(page.clip_frame(frame, images ? &picture : nullptr).ok());
  }
  segments.finish();
  pipeline::ClipResult clip;
  clip.summary.input = "a<b>.mp4";
  clip.summary.frames = 50;
  clip.summary.media_seconds = 5;
  clip.summary.clock = clock;
  pipeline::TrackResult track;
  track.frames = 50;
  track.labels = {{"happy", 0.6F, 0.2F}};
  track.to_us = 4'900'000;
  track.clock = clock;
  clip.tracks.push_back(track);
  page.clip(clip, segments);
  page.failed("bad.mp4", corrupt("bad.mp4: is <broken>"));
  return page.html({{"command", "mien predict 'a<b>.mp4'"}}, "how a face looks");
}

TEST(PredictionPage, ClipHasALanePerLabelAndMarksUnknown) {
  const std::string page = clip_page(false);
  EXPECT_THAT(page, HasSubstr("aria-label=\"happy, 60%"));
  EXPECT_THAT(page, HasSubstr("aria-label=\"&lt;i&gt;&amp;, "));
  EXPECT_THAT(page, HasSubstr("aria-label=\"unknown, "));
  EXPECT_THAT(page, HasSubstr("a&lt;b&gt;.mp4"));
  EXPECT_THAT(page, HasSubstr("is &lt;broken&gt;"));
  EXPECT_THAT(page, HasSubstr("how a face looks"));
  EXPECT_THAT(
      page, HasSubstr("The whole track read as one, the mean of its frames: <bdi>happy</bdi> 60%"));
}

TEST(PredictionPage, WallTimesOnAxisTooltipAndTable) {
  const std::string page = clip_page(true, *parse_wall_time("2026-03-01T14:05:00Z"));
  for (const char* part :
       {"<p class=dim>0:00.0 is 2026-03-01 14:05:00 +00:00</p>", ">14:05:04.0</i>",
        "<title>0:00.0 to 0:03.0 (14:05:00.0 to 14:05:03.0): happy", "<th>clock</th>",
        "<td>14:05:00.0 to 14:05:03.0</td>", ">0:00.0 to 0:04.9 (14:05:00.0 to 14:05:04.9), 50"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(clip_page(true), Not(HasSubstr("<th>clock</th>")));
}

TEST(PredictionPage, NothingIsLoadedAndNoImageWithoutTheOption) {
  const std::string page = clip_page(false);
  test::expect_self_contained(page);
  for (const char* word : {"<img", "<i>&"}) EXPECT_THAT(page, Not(HasSubstr(word)));
  const std::string with = clip_page(true);
  EXPECT_THAT(with, HasSubstr("<img width=112 height=112 alt=\"\" src=\"data:image/jpeg;base64,"));
}

TEST(PredictionPage, PicturesShowFacesAndTheirLabels) {
  PredictionPage page(kLabels, {.images = true, .top = 1});
  const image::Image picture(64, 48);
  auto unknown = face_at({30, 8, 20, 20}, {{"sad", 0.4F}});
  unknown.unknown = true;
  const auto frame =
      test::picture_of({face_at({8, 8, 20, 20}, {{"happy", 0.91F}, {"sad", 0.06F}}), unknown});
  MIEN_ASSERT_OK(page.picture(frame, &picture));
  MIEN_ASSERT_OK(page.picture(test::picture_of({}), &picture));
  const std::string html = page.html({}, "");
  EXPECT_THAT(html, HasSubstr(">1</span>happy</h3>"));
  EXPECT_THAT(html, HasSubstr(">2</span>unknown</h3>"));
  // A numbered box in percent of the picture, and a table of all inputs that leads to them.
  EXPECT_THAT(html, HasSubstr("left:1.25%;top:1.67%;width:3.12%;height:4.17%"));
  EXPECT_THAT(html, HasSubstr(">1</b></i>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#i1\">photos/<wbr>party.jpg</a>"));
  EXPECT_THAT(html, HasSubstr("<a href=\"#i2\">photos/<wbr>party.jpg</a>"));
  EXPECT_THAT(html, HasSubstr("<section id=i2>"));
  EXPECT_THAT(html, HasSubstr("91%"));
  EXPECT_THAT(html, HasSubstr("No face found."));
  EXPECT_THAT(html, HasSubstr("Faces in 2 pictures"));
}

TEST(PredictionPage, OneColourPerLabelEverywhere) {
  PredictionPage page(kLabels, {.top = 2});
  MIEN_ASSERT_OK(page.picture(
      test::picture_of({face_at({8, 8, 20, 20}, {{"sad", 0.6F}, {"happy", 0.4F}})}), nullptr));
  LabelSegments segments(kLabels, 0.2);
  for (int i = 0; i < 20; ++i) {
    const auto frame = frame_of(0.1 * i, {face_at({8, 8, 20, 20}, {{"happy", 0.8F}}, 0)});
    segments.add(frame);
    MIEN_ASSERT_OK(page.clip_frame(frame, nullptr));
  }
  segments.finish();
  pipeline::ClipResult clip;
  clip.summary.input = "c.mp4";
  page.clip(clip, segments);
  const std::string html = page.html({}, "");
  const std::string happy = "#ddcc77";
  EXPECT_THAT(html, HasSubstr("<span title=\"happy\">happy</span><div><b style=\"width:40.0%;"
                              "background:" +
                              happy));
  EXPECT_THAT(html, HasSubstr("<i style=\"background:" + happy + "\"></i><bdi>happy</bdi> 100%"));
  EXPECT_THAT(html, HasSubstr("fill=\"" + happy + "\""));
}

TEST(PredictionPage, OneInputNeedsNoTableOfAll) {
  PredictionPage page(kLabels, {});
  MIEN_ASSERT_OK(page.picture(test::picture_of({}), nullptr));
  EXPECT_THAT(page.html({}, ""), Not(HasSubstr("All inputs")));
}

TEST(PredictionPage, HostileNames) {
  for (const std::string& name : test::hostile_texts()) {
    PredictionPage page({name, "b"}, {});
    auto frame = test::picture_of({face_at({0, 0, 9, 9}, {{name, 0.5F}})});
    frame.input = name;
    MIEN_ASSERT_OK(page.picture(frame, nullptr));
    const std::string html = page.html({{name, name}}, name);
    EXPECT_THAT(html, Not(HasSubstr("<b>&amp;</b>%s%n")));
    EXPECT_EQ(html.find('\x1b'), std::string::npos);
  }
}

}  // namespace
}  // namespace mien::report
