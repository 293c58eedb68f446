#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mien/data/manifest.h"
#include "mien/engine/bundle.h"
#include "mien/engine/clip_reader.h"
#include "mien/eval/run.h"
#include "mien/face/finder.h"

namespace mien::eval {

/// One pass of a bundle over the samples of a manifest: their frames through the image tower in
/// batches, then every clip through engine::ClipReader. Threads: not thread-safe.
class ClipPass {
 public:
  using Sink = std::function<void(const data::Sample&, const engine::ClipReading&)>;

  ClipPass(const engine::Bundle& bundle, const data::Manifest& manifest, const RunOptions& options)
      : info_(bundle.info()), manifest_(manifest), options_(options) {}

  /// Errors: those of the bundle and of the finder.
  Status prepare(const engine::Bundle& bundle);
  /// Reads the samples that `wanted` selects, in their order. Errors: kCorrupt when more samples
  /// than allowed are unreadable; kCancelled.
  Status run(const std::function<bool(const data::Sample&)>& wanted, const Sink& sink);

  /// One message per sample that was left out.
  std::vector<std::string> unreadable;
  /// Number of samples taken whole because no face was found.
  std::int64_t without_face = 0;
  engine::Session session;

 private:
  // Frames of one sample waiting for the tower; the sample is complete after its last frame.
  struct Waiting {
    const data::Sample* sample;
    engine::ClipPlan plan;
  };

  Status add(const data::Sample& sample);
  Status read(const std::string& name, std::span<float> out, bool& whole);
  Status place(std::vector<engine::PromptPlace>& places);
  Status flush(const Sink& sink);
  Status count_unreadable(const Status& status);

  const engine::BundleInfo& info_;
  const data::Manifest& manifest_;
  const RunOptions& options_;
  std::shared_ptr<const engine::ImageEncoder> encoder_;
  std::optional<engine::ClipReader> clips_;
  std::unique_ptr<face::FaceFinder> finder_;
  std::size_t width_ = 0;
  std::size_t each_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<float> pixels_;
};

}  // namespace mien::eval
