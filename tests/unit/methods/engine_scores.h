#pragma once

#include <torch/types.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"
#include "support/test_support.h"

namespace mien::methods {

// The engine, reading the first six clips of write_clips from the bundle, gives the scores that
// training has. Shape: logits [clips, classes], scaled.
inline void expect_engine_scores(const std::filesystem::path& folder, const engine::Bundle& bundle,
                                 int frames, const torch::Tensor& logits) {
  const engine::BundleInfo& info = bundle.info();
  const int side = info.preprocess.output_size();
  const auto each = static_cast<std::size_t>(3 * side * side);
  engine::Session session;
  const auto scorer = engine::LabelScorer::make(bundle, {"own", info.labels}, {}, session);
  MIEN_ASSERT_OK(scorer.status());
  const auto clips = engine::ClipReader::make(bundle);
  MIEN_ASSERT_OK(clips.status());
  const auto encoder = bundle.image_encoder();
  MIEN_ASSERT_OK(encoder.status());
  for (int c = 0; c < 6; ++c) {
    torch::Tensor pixels = torch::empty({frames, 3, side, side});
    for (int f = 0; f < frames; ++f) {
      const auto picture =
          image::load(folder / ("faces/" + std::to_string(c) + "_" + std::to_string(f) + ".png"));
      MIEN_ASSERT_OK(picture.status());
      MIEN_ASSERT_OK(
          image::preprocess(*picture, info.preprocess, {pixels[f].data_ptr<float>(), each}));
    }
    torch::Tensor rows = torch::empty({frames, (*encoder)->embed()});
    MIEN_ASSERT_OK(
        (*encoder)->encode(pixels.data_ptr<float>(), frames, rows.data_ptr<float>(), session));
    const auto plan = clips->plan(frames);
    MIEN_ASSERT_OK(plan.status());
    const auto reading = clips->read(*plan, rows.data_ptr<float>(), session);
    MIEN_ASSERT_OK(reading.status());
    for (const engine::LabelScore& score : (*scorer)->score(reading->embedding).labels) {
      const auto place = std::find_if(info.labels.begin(), info.labels.end(),
                                      [&](const auto& label) { return label.name == score.label; });
      EXPECT_NEAR(info.logit_scale * score.cosine,
                  logits[c][place - info.labels.begin()].item<double>(), 2e-3);
    }
  }
}

}  // namespace mien::methods
