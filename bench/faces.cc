#include "faces.h"

#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/engine/label_scorer.h"
#include "mien/face/aligner.h"
#include "mien/image/decode.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/cpu.h"
#include "mien/pipeline/recognizer.h"
#include "mien/video/source.h"

namespace mien::bench {
namespace {

Result<std::shared_ptr<const engine::Bundle>> load(const std::filesystem::path& path, bool bf16,
                                                   int views = 1) {
  engine::BundleOptions options;
  options.views = views;
  options.precision = bf16 ? engine::PrecisionChoice::kBf16 : engine::PrecisionChoice::kF32;
  return engine::Bundle::load(path, options);
}

// What tells one measurement of a face from another.
struct FaceCase {
  const char* precision;
  int views, threads;
};

Status time_face(const engine::Bundle& bundle, image::ImageView picture, const FaceCase& which,
                 const Plan& plan) {
  const engine::BundleInfo& info = bundle.info();
  engine::Session session;
  MIEN_ASSIGN_OR_RETURN(const auto encoder, bundle.image_encoder());
  MIEN_ASSIGN_OR_RETURN(const auto scorer,
                        engine::LabelScorer::make(bundle, {info.name, info.labels}, {}, session));
  face::Face face;
  face.box = {0, 0, static_cast<float>(picture.width), static_cast<float>(picture.height)};
  face.source = face::FaceSource::kWhole;
  const auto side = static_cast<std::size_t>(info.architecture.image_size());
  std::vector<float> pixels(3 * side * side);
  std::vector<float> embedding(static_cast<std::size_t>(info.architecture.embed));
  MIEN_ASSIGN_OR_RETURN(
      const auto samples, measure(plan, [&]() -> Status {
        MIEN_ASSIGN_OR_RETURN(const image::Image crop, face::crop_face(picture, face, info.crop));
        MIEN_RETURN_IF_ERROR(image::preprocess(crop, info.preprocess, pixels));
        MIEN_RETURN_IF_ERROR(encoder->encode(pixels.data(), 1, embedding.data(), session));
        const double length = engine::length_of(embedding);
        std::vector<float> unit = embedding;
        for (float& value : unit) value /= static_cast<float>(length);
        return scorer->score(unit, length).labels.empty() ? internal_error("no scores") : Status();
      }));
  Json facts = Json::object();
  facts.set("group", "face");
  facts.set("case", "face crop to scores");
  facts.set("model", info.name);
  facts.set("precision", which.precision);
  facts.set("views", which.views);
  facts.set("threads", which.threads);
  report(std::move(facts), samples);
  return {};
}

}  // namespace

Status run_face(const std::filesystem::path& bundle, const std::filesystem::path& picture,
                const std::vector<int>& threads, const Plan& plan) {
  MIEN_ASSIGN_OR_RETURN(const image::Image pixels, image::load(picture));
  for (const bool bf16 : {false, true}) {
    if (bf16 && !kernels::has_fast_bf16()) continue;
    for (const int views : {1, 2, 4}) {
      MIEN_ASSIGN_OR_RETURN(const auto loaded, load(bundle, bf16, views));
      for (const int count : threads) {
        kernels::set_threads(count);
        const FaceCase which{bf16 ? "bf16" : "fp32", views, count};
        MIEN_RETURN_IF_ERROR(time_face(*loaded, pixels, which, plan));
      }
    }
  }
  return {};
}

Status run_clip(const std::filesystem::path& bundle, const std::filesystem::path& clip,
                const std::vector<int>& threads, const Plan& plan) {
  const bool bf16 = kernels::has_fast_bf16();
  MIEN_ASSIGN_OR_RETURN(const auto loaded, load(bundle, bf16));
  for (const int count : threads) {
    kernels::set_threads(count);
    MIEN_ASSIGN_OR_RETURN(
        const auto recognizer,
        pipeline::Recognizer::make(loaded, {loaded->info().name, loaded->info().labels}, {}));
    pipeline::SummaryResult summary;
    MIEN_ASSIGN_OR_RETURN(const auto samples, measure(plan, [&]() -> Status {
                            MIEN_ASSIGN_OR_RETURN(const auto source, video::open_file(clip));
                            MIEN_ASSIGN_OR_RETURN(const auto done,
                                                  recognizer->clip(*source, clip.string(), {}));
                            summary = done.summary;
                            return {};
                          }));
    Json facts = Json::object();
    facts.set("group", "clip");
    facts.set("case", clip.filename().string());
    facts.set("model", loaded->info().name);
    facts.set("precision", bf16 ? "bf16" : "fp32");
    facts.set("threads", count);
    facts.set("frames", summary.frames);
    facts.set("faces", summary.faces);
    report(std::move(facts), samples);
  }
  return {};
}

}  // namespace mien::bench
