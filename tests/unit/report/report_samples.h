#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mien/pipeline/result.h"
#include "mien/pipeline/segments.h"

namespace mien::report::test {

using Scores = std::vector<std::pair<std::string, float>>;

inline engine::FaceResult face_at(image::Box box, const Scores& scores, std::int64_t track = -1) {
  engine::FaceResult out;
  out.face.box = box;
  out.face.score = 1.25F;
  out.face.track = track;
  const float x = box.x;
  const float y = box.y;
  out.face.landmarks5 = {image::Point{x + box.w * 0.3F, y + box.h * 0.4F},
                         {x + box.w * 0.7F, y + box.h * 0.4F},
                         {x + box.w * 0.5F, y + box.h * 0.6F},
                         {x + box.w * 0.35F, y + box.h * 0.8F},
                         {x + box.w * 0.65F, y + box.h * 0.8F}};
  for (const auto& [label, probability] : scores) {
    out.labels.push_back({label, probability, probability * 0.3F});
  }
  return out;
}

inline pipeline::FrameResult picture_of(std::vector<engine::FaceResult> faces) {
  pipeline::FrameResult out;
  out.input = "photos/party.jpg";
  out.width = 640;
  out.height = 480;
  out.faces = std::move(faces);
  return out;
}

inline pipeline::FrameResult frame_of(double seconds, std::vector<engine::FaceResult> faces) {
  pipeline::FrameResult out = picture_of(std::move(faces));
  out.input = "clip.mp4";
  out.is_clip = true;
  out.timestamp_us = static_cast<std::int64_t>(seconds * 1e6 + 0.5);
  out.frame = static_cast<std::int64_t>(seconds * 25 + 0.5);
  return out;
}

inline const Scores kHappy = {{"happy", 0.91F}, {"surprise", 0.06F}, {"neutral", 0.03F}};
inline const Scores kSad = {{"sad", 0.55F}, {"neutral", 0.40F}, {"happy", 0.05F}};

/// A track of `label` for 1.5 seconds, then of unknown for half a second.
inline pipeline::TrackResult track_of(const std::string& label) {
  pipeline::TrackResult out;
  out.input = "clip.mp4";
  out.to_us = 1'960'000;
  out.frames = 50;
  out.shares = {{.label = label, .seconds = 1.5, .share = 0.75},
                {.label = "unknown", .unknown = true, .seconds = 0.5, .share = 0.25}};
  out.segments = {{.from_us = 0, .to_us = 1'500'000, .label = label, .probability = 0.87654},
                  {.from_us = 1'500'000, .to_us = 2'000'000, .label = "unknown", .unknown = true}};
  return out;
}

/// Face 4 for two seconds: sad at 75 % over the first, which is its baseline, then happy.
inline pipeline::LabelSegments segments_with_a_baseline() {
  pipeline::LabelSegments out({"happy", "sad"}, 0);
  out.set_baseline(*pipeline::parse_baseline("0-1"));
  for (const int second : {0, 1}) {
    const float happy = second == 0 ? 0.25F : 0.75F;
    out.add(frame_of(second, {face_at({0, 0, 9, 9}, {{"happy", happy}, {"sad", 1 - happy}}, 4)}));
  }
  out.finish();
  return out;
}

inline std::size_t count_of(std::string_view part, std::string_view text) {
  std::size_t out = 0;
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++out;
  return out;
}

/// A page that loads nothing and runs nothing.
inline void expect_self_contained(const std::string& page) {
  for (const char* word : {"<script", "http:", "https:", "url(", "@import"}) {
    EXPECT_EQ(count_of(word, page), 0U) << word;
  }
}

/// Texts that a careless writer would trip over.
inline std::vector<std::string> hostile_texts() {
  return {"",
          " ",
          "=1+2\",\"x",
          "line\nbreak\r\ttab",
          std::string("nul\0byte", 8),
          "\x1b[31mred\x1b]0;title\x07",
          "\xff\xfe\x80 bad utf-8 \xc3",
          "\u202Ereversed\u2066",
          "\u0645\u0628\u062A\u0633\u0645",  // Arabic
          "\u05E9\u05DE\u05D7",              // Hebrew
          "\u5E78\u305B \uD589\uBCF5",       // Japanese, Korean
          "\U0001F600\U0001F468\u200D\U0001F469\u200D\U0001F467",
          "a" + std::string(2000, '\xCC'),
          [] {
            std::string zalgo = "z";
            for (int i = 0; i < 5000; ++i) zalgo += "\u0301";
            return zalgo;
          }(),
          "<b>&amp;</b>%s%n",
          std::string(1'000'000, 'W'),
          std::string(1'000'000, '\xff')};
}

}  // namespace mien::report::test
