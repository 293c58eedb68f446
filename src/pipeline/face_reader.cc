#include "pipeline/face_reader.h"

#include <algorithm>

#include "mien/face/aligner.h"
#include "mien/image/preprocess.h"
#include "mien/kernels/ops.h"

namespace mien::pipeline {

Result<FacePixels> cut_faces(const engine::BundleInfo& info, image::ImageView picture,
                             std::vector<face::Face> faces) {
  FacePixels out;
  const auto side = static_cast<std::size_t>(info.architecture.image.image_size);
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
                       bool embeddings)
    : bundle_(std::move(bundle)),
      packing_(std::move(encoder)),
      clips_(std::move(clips)),
      scorer_(std::move(scorer)),
      embeddings_(embeddings) {}

std::size_t FaceReader::pixels_per_face() const {
  const auto side = static_cast<std::size_t>(info().architecture.image.image_size);
  return 3 * side * side;
}

Status FaceReader::encode(const float* pixels, std::int64_t count, std::vector<float>& embeddings) {
  embeddings.resize(static_cast<std::size_t>(count) * embed());
  if (count == 0) return {};
  if (packing_.valid()) {
    MIEN_ASSIGN_OR_RETURN(encoder_, packing_.get());
  }
  if (!encoder_) return internal_error("image tower: could not be loaded before");
  return encoder_->encode(pixels, count, embeddings.data(), session_);
}

Status FaceReader::read_as_clips(std::vector<float>& embeddings) {
  if (clips_.picture_aggregate() == engine::Aggregate::kMean || embeddings.empty()) return {};
  MIEN_ASSIGN_OR_RETURN(const engine::ClipPlan plan, clips_.plan(1));
  std::vector<float> row(embed());
  for (std::size_t at = 0; at < embeddings.size(); at += embed()) {
    MIEN_RETURN_IF_ERROR(clips_.read(plan, embeddings.data() + at, row.data(), session_));
    std::copy(row.begin(), row.end(), embeddings.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return {};
}

engine::FaceResult FaceReader::read(const face::Face& face, const float* embedding) const {
  std::vector<float> unit(embedding, embedding + embed());
  kernels::l2_normalize_rows(unit.data(), 1, static_cast<std::int64_t>(unit.size()));
  engine::FaceResult out;
  out.face = face;
  if (scorer_) {
    engine::Scores scores = scorer_->score(unit);
    out.labels = std::move(scores.labels);
    out.unknown = scores.unknown;
    out.reasons = std::move(scores.reasons);
  }
  if (neutral_) out.intensity = neutral_->intensity({embedding, embed()});
  if (embeddings_) out.embedding = std::move(unit);
  return out;
}

}  // namespace mien::pipeline
