#pragma once

#include <future>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/neutral.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
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

/// Turns embeddings into answers. Threads: not thread-safe (it owns a session), except encode() and
/// place().
class FaceReader {
 public:
  using Encoder = Result<std::shared_ptr<const engine::ImageEncoder>>;

  struct Options {
    bool embeddings = false;
    bool frame_values = false;  ///< the regression head reads frames of clips too
  };

  /// The image tower may still be packing its weights: the first pass waits for it, while faces are
  /// searched already.
  FaceReader(std::shared_ptr<const engine::Bundle> bundle, std::future<Encoder> encoder,
             engine::ClipReader clips, std::shared_ptr<const engine::LabelScorer> scorer,
             const Options& options);

  /// Shape: pixels [count, 3, S, S] -> embeddings [count, embed], not normalised. Errors: those of
  /// the tower. Threads: safe from several threads with a session each. `places`: see
  /// engine::ImageEncoder::encode.
  Status encode(const float* pixels, std::int64_t count, std::vector<float>& embeddings,
                engine::Session& session, std::span<const engine::PromptPlace> places = {});
  /// Whether the first face of a track decides the position of the prompt patch.
  bool places_patches() const {
    const auto& prompt = info().architecture.prompt;
    return prompt && prompt->labels > 0;
  }
  /// That position for a face. Shape: pixels [3, S, S]. Precondition: places_patches(). Errors and
  /// threads as for encode().
  Result<engine::PromptPlace> place(const float* pixels, engine::Session& session);
  enum class Of { kPicture, kFrame };
  /// Scores a row of encode(). A picture is read as a clip that repeats it when there is a temporal
  /// transformer; a frame is scored alone. Errors: those of the temporal model.
  Result<engine::FaceResult> read(const face::Face& face, const float* row, Of of);
  /// From now on faces have an intensity; nullptr: they have none.
  void tell_intensity(std::shared_ptr<const engine::NeutralDifference> neutral) {
    neutral_ = std::move(neutral);
  }
  /// From now on faces are scored so.
  void change_scorer(std::shared_ptr<const engine::LabelScorer> scorer) {
    scorer_ = std::move(scorer);
  }
  const engine::ClipReader& clips() const { return clips_; }
  engine::Session& session() { return session_; }
  /// nullptr: faces are not scored.
  const engine::LabelScorer* scorer() const { return scorer_.get(); }
  const engine::BundleInfo& info() const { return bundle_->info(); }
  std::size_t embed() const { return static_cast<std::size_t>(info().architecture.embed); }
  std::size_t pixels_per_face() const;

 private:
  std::shared_ptr<const engine::Bundle> bundle_;
  std::shared_future<Encoder> encoder_;
  engine::ClipReader clips_;
  std::shared_ptr<const engine::LabelScorer> scorer_;
  std::shared_ptr<const engine::NeutralDifference> neutral_;
  Options options_;
  engine::Session session_;
};

}  // namespace mien::pipeline
