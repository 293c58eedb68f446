#pragma once

#include <future>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mien/engine/bundle.h"
#include "mien/engine/label_scorer.h"
#include "mien/image/image.h"
#include "mien/pipeline/result.h"

namespace mien::pipeline {

/// The preprocessed pixels of some faces, ready for the image tower.
struct FacePixels {
  std::vector<face::Face> faces;
  std::vector<float> pixels;  // [faces, 3, S, S]
};

/// Cuts faces out of a picture and preprocesses them. Threads: const; safe from several threads.
Result<FacePixels> cut_faces(const engine::BundleInfo& info, image::ImageView picture,
                             std::vector<face::Face> faces);

/// Embeddings to answers. Threads: not thread-safe (it owns a session).
class FaceReader {
 public:
  using Encoder = Result<std::shared_ptr<const engine::ImageEncoder>>;

  /// The image tower may still be packing: the first pass waits for it, and faces are looked for
  /// in the meantime.
  FaceReader(std::shared_ptr<const engine::Bundle> bundle, std::future<Encoder> encoder,
             std::shared_ptr<const engine::LabelScorer> scorer, bool embeddings);

  /// Shape: pixels [count, 3, S, S] -> embeddings [count, embed], not normalised. Errors: those of
  /// the tower.
  Status encode(const float* pixels, std::int64_t count, std::vector<float>& embeddings);
  engine::FaceResult read(const face::Face& face, const float* embedding) const;
  const engine::LabelScorer& scorer() const { return *scorer_; }
  const engine::BundleInfo& info() const { return bundle_->info(); }
  std::size_t embed() const { return static_cast<std::size_t>(info().architecture.embed); }
  std::size_t pixels_per_face() const;

 private:
  std::shared_ptr<const engine::Bundle> bundle_;
  std::future<Encoder> packing_;
  std::shared_ptr<const engine::ImageEncoder> encoder_;  // once packed
  std::shared_ptr<const engine::LabelScorer> scorer_;
  bool embeddings_;
  engine::Session session_;
};

/// Running means of the frame embeddings of every track.
class TrackBook {
 public:
  void add(std::int64_t track, std::int64_t timestamp_us, const float* embedding,
           std::size_t width);
  /// The mean embedding of a track, normalised, then scored (CLIPER's order: mean first).
  std::vector<TrackResult> results(const std::string& input,
                                   const engine::LabelScorer& scorer) const;
  std::size_t size() const { return tracks_.size(); }
  void clear() { tracks_.clear(); }

 private:
  struct Entry {
    std::int64_t from_us = 0;
    std::int64_t to_us = 0;
    std::int64_t frames = 0;
    std::vector<double> sum;
  };
  std::map<std::int64_t, Entry> tracks_;
};

}  // namespace mien::pipeline
