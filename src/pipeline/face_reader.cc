#include "pipeline/face_reader.h"

#include "kernels/ops.h"
#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"

namespace mien::pipeline {

Result<FacePixels> cut_faces(const engine::BundleInfo& info, image::ImageView picture,
                             std::vector<face::Face> faces) {
  FacePixels out;
  const auto side = static_cast<std::size_t>(info.architecture.image_size());
  const std::size_t each = 3 * side * side;
  out.pixels.resize(faces.size() * each);
  for (std::size_t i = 0; i < faces.size(); ++i) {
    MIEN_ASSIGN_OR_RETURN(const image::Image crop, face::crop_face(picture, faces[i], info.crop));
    MIEN_RETURN_IF_ERROR(
        image::preprocess(crop, info.preprocess, std::span(out.pixels).subspan(i * each, each)));
  }
  out.faces = std::move(faces);
  return out;
}

FaceReader::FaceReader(std::shared_ptr<const engine::Bundle> bundle, std::future<Encoder> encoder,
                       engine::ClipReader clips, std::shared_ptr<const engine::LabelScorer> scorer,
                       const Options& options)
    : bundle_(std::move(bundle)),
      encoder_(encoder.share()),
      clips_(std::move(clips)),
      scorer_(std::move(scorer)),
      options_(options) {}

std::size_t FaceReader::pixels_per_face() const {
  const auto side = static_cast<std::size_t>(info().architecture.image_size());
  return 3 * side * side;
}

Status FaceReader::encode(const float* pixels, std::int64_t count, std::vector<float>& embeddings,
                          engine::Session& session, std::span<const engine::PromptPlace> places) {
  embeddings.resize(static_cast<std::size_t>(count) * embed());
  if (count == 0) return {};
  const std::shared_future<Encoder> encoder = encoder_;  // each thread waits on its own
  MIEN_RETURN_IF_ERROR(encoder.get().status());
  return (*encoder.get())->encode(pixels, count, embeddings.data(), session, places);
}

Result<engine::PromptPlace> FaceReader::place(const float* pixels, engine::Session& session) {
  const std::shared_future<Encoder> encoder = encoder_;
  MIEN_RETURN_IF_ERROR(encoder.get().status());
  MIEN_ASSIGN_OR_RETURN(const auto places, (*encoder.get())->places(pixels, 1, session));
  return places.front();
}

Result<engine::FaceResult> FaceReader::read(const face::Face& face, const float* row, Of of) {
  const bool picture = of == Of::kPicture;
  const bool values = !clips_.target_names().empty() && (picture || options_.frame_values);
  engine::ClipReading reading;
  if (values || (picture && clips_.picture_aggregate() == engine::Aggregate::kTemporal)) {
    MIEN_ASSIGN_OR_RETURN(const engine::ClipPlan plan, clips_.plan(1));
    MIEN_ASSIGN_OR_RETURN(reading, clips_.read(plan, row, session_));
  }
  if (!picture || reading.embedding.empty()) {
    reading.embedding.assign(row, row + embed());
    reading.length = engine::length_of(reading.embedding);
    kernels::l2_normalize_rows(reading.embedding.data(), 1, static_cast<std::int64_t>(embed()));
  }
  engine::FaceResult out;
  out.face = face;
  out.values = clips_.named(reading.values);
  if (scorer_) {
    engine::Scores scores = scorer_->score(reading.embedding, reading.length);
    out.labels = std::move(scores.labels);
    out.unknown = scores.unknown;
    out.reasons = std::move(scores.reasons);
  }
  if (neutral_) out.intensity = neutral_->intensity({row, embed()});
  if (options_.embeddings) out.embedding = std::move(reading.embedding);
  return out;
}

}  // namespace mien::pipeline
