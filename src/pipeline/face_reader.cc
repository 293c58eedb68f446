#include "pipeline/face_reader.h"

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
                       std::shared_ptr<const engine::LabelScorer> scorer, bool embeddings)
    : bundle_(std::move(bundle)),
      packing_(std::move(encoder)),
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

engine::FaceResult FaceReader::read(const face::Face& face, const float* embedding) const {
  std::vector<float> unit(embedding, embedding + embed());
  kernels::l2_normalize_rows(unit.data(), 1, static_cast<std::int64_t>(unit.size()));
  engine::Scores scores = scorer_->score(unit);
  engine::FaceResult out;
  out.face = face;
  out.labels = std::move(scores.labels);
  out.unknown = scores.unknown;
  out.reasons = std::move(scores.reasons);
  if (embeddings_) out.embedding = std::move(unit);
  return out;
}

void TrackBook::add(std::int64_t track, std::int64_t timestamp_us, const float* embedding,
                    std::size_t width) {
  Entry& entry = tracks_[track];
  if (entry.frames == 0) {
    entry.from_us = timestamp_us;
    entry.sum.assign(width, 0.0);
  }
  entry.to_us = timestamp_us;
  ++entry.frames;
  for (std::size_t i = 0; i < width; ++i) entry.sum[i] += static_cast<double>(embedding[i]);
}

std::vector<TrackResult> TrackBook::results(const std::string& input,
                                            const engine::LabelScorer& scorer) const {
  std::vector<TrackResult> out;
  for (const auto& [track, entry] : tracks_) {
    std::vector<float> mean(entry.sum.size());
    for (std::size_t i = 0; i < mean.size(); ++i) {
      mean[i] = static_cast<float>(entry.sum[i] / static_cast<double>(entry.frames));
    }
    kernels::l2_normalize_rows(mean.data(), 1, static_cast<std::int64_t>(mean.size()));
    engine::Scores scores = scorer.score(mean);
    TrackResult row;
    row.input = input;
    row.track = track;
    row.from_us = entry.from_us;
    row.to_us = entry.to_us;
    row.frames = entry.frames;
    row.labels = std::move(scores.labels);
    row.unknown = scores.unknown;
    row.reasons = std::move(scores.reasons);
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace mien::pipeline
