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

std::string clip_page(bool images) {
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
  pipeline::TrackResult track;
  track.frames = 50;
  track.labels = {{"happy", 0.6F, 0.2F}};
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
  EXPECT_THAT(page, HasSubstr("The whole track read as one, the mean of its frames: happy 60%"));
}

TEST(PredictionPage, NothingIsLoadedAndNoImageWithoutTheOption) {
  const std::string page = clip_page(false);
  for (const char* word : {"<script", "http:", "https:", "<img", "url(", "@import", "<i>&"}) {
    EXPECT_THAT(page, Not(HasSubstr(word)));
  }
  const std::string with = clip_page(true);
  EXPECT_THAT(with, HasSubstr("<img width=112 height=112 alt=\"\" src=\"data:image/jpeg;base64,"));
}

TEST(PredictionPage, PicturesTellFacesAndTheirLabels) {
  PredictionPage page(kLabels, {.images = true, .top = 1});
  const image::Image picture(64, 48);
  auto unknown = face_at({30, 8, 20, 20}, {{"sad", 0.4F}});
  unknown.unknown = true;
  const auto frame =
      test::picture_of({face_at({8, 8, 20, 20}, {{"happy", 0.91F}, {"sad", 0.06F}}), unknown});
  MIEN_ASSERT_OK(page.picture(frame, &picture));
  MIEN_ASSERT_OK(page.picture(test::picture_of({}), &picture));
  const std::string html = page.html({}, "");
  EXPECT_THAT(html, HasSubstr("face 1: happy"));
  EXPECT_THAT(html, HasSubstr("face 2: unknown"));
  EXPECT_THAT(html, HasSubstr("91%"));
  EXPECT_THAT(html, HasSubstr("No face was found."));
  EXPECT_THAT(html, HasSubstr("Faces in 2 pictures"));
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
