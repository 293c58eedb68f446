#pragma once

#include <string>
#include <utility>
#include <vector>

#include "mien/pipeline/result.h"

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
